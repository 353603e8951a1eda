"""From a compiled model to a session: where its tensors lie and what it has to load."""

from __future__ import annotations

from tfl2hw.codegen import Compiled
from tfl2hw.runtime.device import Device
from tfl2hw.runtime.session import Session, TensorLocation
from tfl2hw.runtime.transport import Transport


def open_session(compiled: Compiled, transport: Transport) -> Session:
    """A session with the device behind ``transport``, which holds the core of ``compiled``.

    What the scratchpad has to hold is sent only where the core does not start with it.
    """
    held = compiled.config.scratchpad == "block"
    return Session(
        Device(transport, lanes=compiled.config.lanes),
        identity=bytes.fromhex(compiled.config.identity),
        loads=() if held else compiled.image.scratchpad,
        inputs=[location(compiled, tensor) for tensor in compiled.network.inputs],
        outputs=[location(compiled, tensor) for tensor in compiled.network.outputs],
        breaks=compiled.program.breaks,
    )


def location(compiled: Compiled, tensor: int) -> TensorLocation:
    """Where the feature map with index ``tensor`` lies."""
    placement = compiled.schedule.placements[tensor]
    height, width, channels = placement.shape
    place = TensorLocation(
        address=placement.address,
        height=height,
        width=width,
        channels=channels,
        packed=placement.pixel_bytes == channels,
        lanes=compiled.config.lanes,
    )
    assert place.pitch == placement.pixel_bytes
    return place

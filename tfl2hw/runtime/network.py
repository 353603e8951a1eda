"""From a compiled model to a session: where its tensors lie, what it has to load, what the host converts."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.codegen import Compiled
from tfl2hw.codegen.loading import Load, loads
from tfl2hw.codegen.witness import contents_hash
from tfl2hw.rtl_templates.frames import LOADING
from tfl2hw.runtime.device import PATIENCE, Device
from tfl2hw.runtime.session import Session, TensorLocation
from tfl2hw.runtime.transport import Transport

CYCLES_A_SECOND = 1e6
"""No clock is slower than this."""


def open_session(
    compiled: Compiled, transport: Transport, patience: float = PATIENCE, *, booted: bool = False
) -> Session:
    """A session with the device behind ``transport``, which holds the core of ``compiled``.

    What the memories have to hold is sent only where the core does not start with it, and where the device
    does not carry the mark that it has it already; and where it must have ``booted`` from a flash, never.
    ``patience`` is ``Device``'s.
    """
    return Session(
        Device(transport, lanes=compiled.config.lanes, patience=patience),
        identity=bytes.fromhex(compiled.config.identity),
        loads=loads_of(compiled),
        witness=compiled.witness,
        mark=mark_of(compiled),
        booted=booted,
        seconds=compiled.predicted_cycles / CYCLES_A_SECOND,
        inputs=[location(compiled, tensor) for tensor in compiled.network.inputs],
        outputs=[location(compiled, tensor) for tensor in compiled.network.outputs],
        breaks=compiled.program.breaks,
    )


def mark_of(compiled: Compiled) -> int | None:
    """The mark of a device that holds all of ``compiled``; none for a core that many models share."""
    if compiled.board.core is not None:
        return None
    told = bytes.fromhex(compiled.config.identity) + contents_hash(compiled.image)
    return zlib.crc32(told) % (LOADING - 1) + 1


def loads_of(compiled: Compiled) -> tuple[Load, ...]:
    """What a core has to be loaded with, by a host or from a flash.

    Nothing where the core starts with everything and a witness proves it, or where it takes no others. All of
    it elsewhere: the core's identity does not tell which contents its bitstream had (see ``codegen.reuse``).
    """
    if compiled.witness is not None or not compiled.config.loads:
        return ()
    return loads(compiled.image, compiled.config)


def location(compiled: Compiled, tensor: int) -> TensorLocation:
    """Where the feature map with index ``tensor`` lies."""
    placement = compiled.schedule.placements[tensor]
    layout, tensors = placement.layout, compiled.graph.tensors
    (height, width, channels), (left, right) = layout.shape, layout.margins
    place = TensorLocation(
        address=placement.address,
        height=height,
        width=width,
        channels=channels,
        packed=layout.pixel == channels,
        strips=None if layout.strips is None else layout,
        lanes=compiled.config.lanes,
        left=left,
        right=right,
        fill=layout.fill,
        dtype=tensors[tensor].dtype if tensor in tensors else "int8",
    )
    assert place.size == layout.size
    assert layout.strips is not None or place.pitch == layout.pixel
    return place


def as_in_file(compiled: Compiled, tensor: int, values: npt.NDArray[np.int8]) -> npt.NDArray[Any]:
    """The bytes of a feature map as the file has the tensor: of its type and shape, with all channels."""
    known, left = compiled.graph.tensors[tensor], compiled.network.dropped.get(tensor)
    if left is not None:
        whole = np.broadcast_to(left.values.astype(np.int8), (*values.shape[:-1], len(left.values))).copy()
        whole[..., left.kept] = values
        values = whole
    return np.frombuffer(values.tobytes(), known.dtype).reshape(known.shape)


def to_device(compiled: Compiled, inputs: Sequence[npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
    """The session's int8 inputs from the model's ``inputs``, each of the file's type."""
    arrays = []
    for index, values in zip(compiled.graph.inputs, inputs, strict=True):
        conversion = compiled.conversions.get(index)
        arrays.append(values if conversion is None else conversion.to_device(values))
    return arrays


def from_device(compiled: Compiled, outputs: Sequence[npt.NDArray[np.int8]]) -> list[npt.NDArray[Any]]:
    """The model's outputs, of the file's types and shapes, from the session's int8 ``outputs``."""
    arrays = []
    for index, values in zip(compiled.graph.outputs, outputs, strict=True):
        conversion = compiled.conversions.get(index)
        converted = values if conversion is None else conversion.from_device(values)
        arrays.append(as_in_file(compiled, index, converted))
    return arrays

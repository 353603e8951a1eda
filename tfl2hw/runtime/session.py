"""A loaded network on a device: arrays in, arrays and cycles out."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.codegen.loading import Load
from tfl2hw.errors import ToolError, UsageError
from tfl2hw.rtl_templates.frames import LOADING, PROTOCOL
from tfl2hw.runtime.device import CHUNK, Device, DeviceReset
from tfl2hw.runtime.strips import from_strips, strip_writes
from tfl2hw.schedule.layout import Layout

Int8 = npt.NDArray[np.int8]

ATTEMPTS = 3
"""How often an inference is begun anew because the device was reset in it."""


@dataclass(frozen=True, kw_only=True)
class TensorLocation:
    """Where a feature map (height, width, channels) of bytes lies in the scratchpad.

    The channels of a tensor of another ``dtype`` than int8 are its elements' bytes. ``packed``: the bytes
    follow each other. Otherwise each pixel's channels are padded to whole words of ``lanes`` bytes; the
    padding is written as zero. ``left`` and ``right`` pixels of bytes ``fill`` stand beside each row.
    ``strips``: the layout of a map that stands in strips instead.
    """

    address: int
    height: int
    width: int
    channels: int
    packed: bool
    lanes: int
    dtype: str = "int8"
    left: int = 0
    right: int = 0
    fill: int = 0
    strips: Layout | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return (self.height, self.width, self.channels)

    @property
    def pitch(self) -> int:
        """Bytes from one pixel to the next."""
        return self.channels if self.packed else -(-self.channels // self.lanes) * self.lanes

    @property
    def size(self) -> int:
        """Bytes from the first row's beginning to the last one's end, without padding to a word."""
        if self.strips is not None:
            return self.strips.size
        return self.height * self._columns * self.pitch

    @property
    def _columns(self) -> int:
        """Pixels of a row, those beside it included."""
        return self.left + self.width + self.right

    def writes(self, values: npt.NDArray[Any]) -> list[tuple[int, bytes]]:
        """Address and data of what puts ``values`` there. Raises as ``pack``."""
        if self.strips is None:
            return [(self.address, self.pack(values))]
        return list(strip_writes(self.address, self.strips, self._bytes(values), CHUNK))

    def pack(self, values: npt.NDArray[Any]) -> bytes:
        """Bytes of ``values``: of ``dtype``, in this shape or in any other with as many elements.

        Raises
        ------
        UsageError : the type or the number of elements is another.
        """
        pixels = self._bytes(values)
        padded = np.full((self.height, self._columns, self.pitch), self.fill, np.int8)
        row = padded[:, self.left : self.left + self.width]
        row[..., : self.channels] = pixels
        row[..., self.channels :] = 0
        return padded.tobytes()

    def _bytes(self, values: npt.NDArray[Any]) -> Int8:
        """``values`` as int8 in this shape."""
        wanted = prod(self.shape) // np.dtype(self.dtype).itemsize
        if values.dtype != self.dtype or values.size != wanted:
            shape = f", shape {self.shape}" if self.dtype == "int8" else ""
            raise UsageError(
                f"an input has {values.size} elements of {values.dtype}; "
                f"the network takes {wanted} of {self.dtype}{shape}"
            )
        return np.frombuffer(values.tobytes(), np.int8).reshape(self.shape)

    def unpack(self, data: bytes) -> Int8:
        """The array in ``size`` bytes of memory."""
        if self.strips is not None:
            return from_strips(self.strips, data)
        pixels = np.frombuffer(data, np.int8).reshape(self.height, self._columns, self.pitch)
        return pixels[:, self.left : self.left + self.width, : self.channels].copy()


@dataclass(frozen=True, kw_only=True)
class Step:
    """A halt of the program: the word ``pc`` that is next, ``cycles`` since the last halt."""

    pc: int
    cycles: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """Outputs of one run, as (height, width, channels) maps, and its ``cycles`` from start to end."""

    outputs: tuple[Int8, ...]
    cycles: int


class Session:
    """Runs a network on a device.

    The device carries a mark while it is loaded, and another when it holds everything. A device that was
    reset has lost its mark: it is loaded anew, and the inference that was under way begins again.

    Parameters
    ----------
    device : the device, which must hold the network's design.
    identity : the 16 bytes by which that design is recognised.
    loads : what to write once, before the first run: weights and program, where the bitstream cannot
        carry them.
    inputs, outputs : where the network's inputs and outputs lie.
    breaks : words at which a program that stops at BREAKs halts before its end, in order.
    start : the program's first word.
    mark : 1 to 32767, tells that the loads are in the device. One that carries it already is not loaded
        again. None: a mark that no earlier session gave, as the identity does not tell what the loads are.
    booted : whether the device loads itself from a flash, and is not to be loaded over the link.
    witness : an address, and the bytes that a device holds there whose bitstream has this network's contents.
    seconds : the longest that a run may take.
    """

    def __init__(
        self,
        device: Device,
        *,
        identity: bytes,
        loads: Sequence[Load],
        inputs: Sequence[TensorLocation],
        outputs: Sequence[TensorLocation],
        breaks: Sequence[int] = (),
        start: int = 0,
        mark: int | None = None,
        booted: bool = False,
        witness: tuple[int, bytes] | None = None,
        seconds: float = 30.0,
    ) -> None:
        self._device = device
        self._identity = identity
        self._loads = tuple(loads)
        self._inputs = tuple(inputs)
        self._outputs = tuple(outputs)
        self._breaks = tuple(breaks)
        self._start = start
        self._mark = mark
        self._booted = booted
        self._witness = witness
        self._seconds = seconds
        self._ready = False

    @property
    def device(self) -> Device:
        """The device."""
        return self._device

    def prepare(self) -> None:
        """Check the device's identity and load what it needs; later runs do not repeat it.

        Raises
        ------
        ToolError : another design is in the device, or its bitstream or flash has other weights, or none.
        DeviceReset : it was reset while it was loaded.
        """
        if self._ready:
            return
        device = self._device
        device.forget()
        found = device.identify()
        if found != self._identity:
            raise ToolError(_another(found, self._identity))
        if self._mark is not None and device.found_mark == self._mark:
            device.trust()
        elif self._booted:
            raise ToolError(_not_booted(device.found_mark))
        else:
            self._load()
        self._ready = True

    def _check_witness(self) -> None:
        if self._witness is None:
            return
        address, wanted = self._witness
        found = self._device.read(address, len(wanted))
        if found != wanted:
            raise ToolError(
                "the device holds this design with other weights: the hash of its contents is "
                f"{found.hex()}, that of the network is {wanted.hex()}; program the board first"
            )

    def _load(self) -> None:
        """Two marks: a reset on the way would leave the second without the first."""
        device = self._device
        device.mark(LOADING | random.randrange(1, LOADING))
        self._check_witness()
        for load in self._loads:
            for address, data in load.writes:
                device.write(address, data)
            if load.runs:
                device.run(0)
        device.mark(random.randrange(1, LOADING) if self._mark is None else self._mark)

    def run(self, inputs: Sequence[npt.NDArray[Any]]) -> Answer:
        """One inference.

        Raises
        ------
        UsageError : the inputs are not those of the network.
        ToolError : the device fails, or is reset again and again.
        """
        for _ in range(ATTEMPTS):
            try:
                self.send(inputs)
                result = self._device.run(self._start, timeout=self._seconds)
                return Answer(outputs=self.answer(), cycles=result.cycles)
            except DeviceReset:
                self._ready = False
        raise ToolError(f"the device was reset in each of {ATTEMPTS} attempts at an inference")

    def steps(self, inputs: Sequence[npt.NDArray[Any]]) -> Iterator[Step]:
        """One inference, a step at each of the program's breaks and one at its end.

        Between the steps ``fetch`` reads what the program has made so far.

        Raises
        ------
        UsageError, ToolError : as for ``run``; ToolError also when the program halts elsewhere, or the device
            is reset.
        """
        self.send(inputs)
        pc = self._start
        for expected in self._breaks:
            result = self._device.run(pc, stop_at_breaks=True)
            if result.pc != expected:
                raise ToolError(f"the program halted at word {result.pc} instead of its break {expected}")
            pc = result.pc
            yield Step(pc=pc, cycles=result.cycles)
        result = self._device.run(pc, stop_at_breaks=True)
        yield Step(pc=result.pc, cycles=result.cycles)

    def send(self, inputs: Sequence[npt.NDArray[Any]]) -> None:
        """Write the inputs into the device, once it is prepared."""
        if len(inputs) != len(self._inputs):
            raise UsageError(f"{len(inputs)} inputs given; the network takes {len(self._inputs)}")
        writes = [place.writes(values) for place, values in zip(self._inputs, inputs, strict=True)]
        self.prepare()
        for each in writes:
            for address, data in each:
                self._device.write(address, data)

    def fetch(self, place: TensorLocation) -> Int8:
        """The feature map at ``place``."""
        return place.unpack(self._device.read(place.address, place.size))

    def answer(self) -> tuple[Int8, ...]:
        """The outputs as they lie in the device."""
        return tuple(self.fetch(place) for place in self._outputs)


def _not_booted(mark: int) -> str:
    """Why a device that should have loaded itself carries ``mark``."""
    if not mark:
        found = "the board's flash holds no weights for its design"
    elif mark & LOADING:
        found = "the weights in the board's flash are damaged, or loading them over the link broke off"
    else:
        found = "the board holds other weights for this design"
    return (
        f"{found}: program the flash with `tfl2hw program DIR`, or load them over the link: "
        "`tfl2hw run DIR --load`, `tfl2hw.open(..., load=True)`"
    )


def _another(found: bytes, wanted: bytes) -> str:
    """Why a device with the identity ``found`` will not do; what is in it, ``codegen.configure`` says."""
    protocol, *version = found[:4]
    if protocol != PROTOCOL:
        return (
            f"the device speaks version {protocol} of the link protocol, this program version {PROTOCOL}: "
            f"build and program it again"
        )
    maker = ".".join(map(str, version))
    return (
        f"the device holds another design, made by tfl2hw {maker}: its identity is {found.hex()}, "
        f"that of the network is {wanted.hex()}; program the board first"
    )

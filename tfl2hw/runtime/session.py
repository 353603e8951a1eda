"""A loaded network on a device: arrays in, arrays and cycles out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from tfl2hw.codegen.loading import Load
from tfl2hw.errors import ToolError, UsageError
from tfl2hw.runtime.device import CHUNK, Device
from tfl2hw.runtime.strips import from_strips, strip_writes
from tfl2hw.schedule.layout import Layout

Int8 = npt.NDArray[np.int8]


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

    Parameters
    ----------
    device : the device, which must hold the network's design.
    identity : the 16 bytes by which that design is recognised.
    loads : what to write once, before the first run: weights and program, where the bitstream cannot
        carry them.
    inputs, outputs : where the network's inputs and outputs lie.
    breaks : words at which a program that stops at BREAKs halts before its end, in order.
    start : the program's first word.
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
    ) -> None:
        self._device = device
        self._identity = identity
        self._loads = tuple(loads)
        self._inputs = tuple(inputs)
        self._outputs = tuple(outputs)
        self._breaks = tuple(breaks)
        self._start = start
        self._ready = False

    def prepare(self) -> None:
        """Check the device's identity and load what it needs; later runs do not repeat it.

        Raises
        ------
        ToolError : another design is in the device.
        """
        if self._ready:
            return
        found = self._device.identify()
        if found != self._identity:
            raise ToolError(
                f"the device holds another design: its identity is {found.hex()}, "
                f"that of the network is {self._identity.hex()}; program the board first"
            )
        for load in self._loads:
            for address, data in load.writes:
                self._device.write(address, data)
            if load.runs:
                self._device.run(0)
        self._ready = True

    def run(self, inputs: Sequence[npt.NDArray[Any]]) -> Answer:
        """One inference.

        Raises
        ------
        UsageError : the inputs are not those of the network.
        ToolError : the device fails.
        """
        self.send(inputs)
        result = self._device.run(self._start)
        return Answer(outputs=self.answer(), cycles=result.cycles)

    def steps(self, inputs: Sequence[npt.NDArray[Any]]) -> Iterator[Step]:
        """One inference, a step at each of the program's breaks and one at its end.

        Between the steps ``fetch`` reads what the program has made so far.

        Raises
        ------
        UsageError, ToolError : as for ``run``; ToolError also when the program halts elsewhere.
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

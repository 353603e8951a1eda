"""A core between two streams of a network's own bytes: inputs in, outputs out, nothing of its memory seen."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Const, Module, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .bare_core import BareCore
from .config import CoreConfig
from .image import Image
from .map_ports import OUTPUT_BYTE, MapReader, MapWriter
from .tensor_map import TensorMap


@dataclass(frozen=True, kw_only=True)
class Tensors:
    """What goes into a core and comes out of it.

    Parameters
    ----------
    inputs, outputs : where the network's tensors lie, in its order; at least one each.
    weights : (first byte address, bytes) of each piece of what has to be in the scratchpad before the first
        run and is not in the core's image.
    """

    inputs: tuple[TensorMap, ...]
    outputs: tuple[TensorMap, ...]
    weights: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        for name in ("inputs", "outputs"):
            if not getattr(self, name):
                raise ValueError(f"{name} must have at least one tensor")

    @property
    def input_bytes(self) -> int:
        """Bytes of all inputs."""
        return sum(tensor.count for tensor in self.inputs)

    @property
    def output_bytes(self) -> int:
        """Bytes of all outputs."""
        return sum(tensor.count for tensor in self.outputs)

    @property
    def weight_bytes(self) -> int:
        """Bytes of the weights that are to be loaded."""
        return sum(count for _, count in self.weights)


def _piece(address: int, count: int) -> TensorMap:
    """Bytes that follow each other."""
    return TensorMap(address=address, height=1, width=1, channels=count, pitch=count)


class Inference(wiring.Component):
    """A core whose inputs and outputs are streams of the tensors' bytes, one after the other.

    After a reset the core rests, then takes the weights if there are any to load, and then inputs. The order
    is: all bytes of ``i``, ``run``, all bytes of ``o``, ``fill``.

    Latency: a core rests for ``2**REST_BITS`` cycles (see ``bare_core``). A run begins in the cycle behind
    ``run``. Throughput: an input's byte a cycle, those of its padding included; of an output a word takes
    its bytes and the scratchpad's latency and 2 cycles more.

    Parameters
    ----------
    config, image : as for ``Core``. tensors : where they lie.

    Members
    -------
    weights : In(stream of 8), the bytes that have to be loaded; not read where there are none.
    i : In(stream of 8), all inputs' bytes. last : Out(1), the byte that ``i`` waits for is the last one.
    o : Out(stream of ``OUTPUT_BYTE``), all outputs' bytes; the last one is marked.
    run : In(1), a strobe, while ``filled``.
    fill : In(1), a strobe: the inputs from their first byte on. Not heard while ``busy``.
    drain : In(1), a strobe: the outputs from their first byte on. Only while ``answered``.
    busy : Out(1), a run, or the rest after a reset.
    loaded : Out(1), there are no weights to be loaded any more.
    filled : Out(1), all inputs are there. answered : Out(1), all outputs are, until ``fill``.
    cycles : Out(32), of the last run.
    """

    def __init__(self, config: CoreConfig, image: Image, tensors: Tensors) -> None:
        lanes = config.lanes
        self._core = BareCore(config, image)
        self._writers = [(tensor.address, MapWriter(tensor, lanes)) for tensor in tensors.inputs]
        self._readers = [
            (tensor.address - tensor.address % lanes, MapReader(tensor, lanes)) for tensor in tensors.outputs
        ]
        self._weights = [
            (address, MapWriter(_piece(address, count), lanes)) for address, count in tensors.weights
        ]
        super().__init__({
            "weights": In(stream.Signature(8)),
            "i": In(stream.Signature(8)), "last": Out(1),
            "o": Out(stream.Signature(OUTPUT_BYTE)),
            "run": In(1), "fill": In(1), "drain": In(1),
            "busy": Out(1), "loaded": Out(1), "filled": Out(1), "answered": Out(1),
            "cycles": Out(32),
        })  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.core = self._core
        bus = self._bus = self._core.bus
        m.d.comb += self.cycles.eq(bus.cycles)
        with m.FSM():
            with m.State("REST"):
                m.d.comb += self.busy.eq(1)
                with m.If(~bus.busy):
                    m.next = "LOAD 0" if self._weights else "FILL 0"
            self._load(m)
            self._take_inputs(m)
            with m.State("FILLED"):
                m.d.comb += [self.filled.eq(1), bus.run.eq(self.run)]
                self._go_on(m, self.run, "RUN")
            with m.State("RUN"):
                m.d.comb += self.busy.eq(1)
                with m.If(~bus.busy):
                    m.next = "DRAIN 0"
            self._give_outputs(m)
            with m.State("ANSWERED"):
                m.d.comb += self.answered.eq(1)
                self._go_on(m, self.drain, "DRAIN 0")
        return m

    def _load(self, m: Module) -> None:
        """The weights' bytes into the scratchpad, once after a reset."""
        if not self._weights:
            m.d.comb += self.loaded.eq(1)
        for number, (address, writer) in enumerate(self._weights):
            m.submodules[f"load{number}"] = writer
            is_last = number == len(self._weights) - 1
            with m.State(f"LOAD {number}"):
                m.d.comb += writer.start.eq(1)
                m.next = f"LOADING {number}"
            with m.State(f"LOADING {number}"):
                self._write(m, address, writer, self.weights)
                with m.If(writer.done):
                    m.d.sync += self.loaded.eq(is_last)
                    m.next = "FILL 0" if is_last else f"LOAD {number + 1}"

    def _take_inputs(self, m: Module) -> None:
        """Each input's bytes in its place."""
        for number, (address, writer) in enumerate(self._writers):
            m.submodules[f"input{number}"] = writer
            is_last = number == len(self._writers) - 1
            with m.State(f"FILL {number}"):
                m.d.comb += writer.start.eq(1)
                self._go_on(m, Const(1), f"FILLING {number}")
            with m.State(f"FILLING {number}"):
                self._write(m, address, writer, self.i)
                if is_last:
                    m.d.comb += self.last.eq(writer.last)
                self._go_on(m, writer.done, "FILLED" if is_last else f"FILL {number + 1}")

    def _give_outputs(self, m: Module) -> None:
        """Each output's bytes from its place."""
        bus = self._bus
        for number, (address, reader) in enumerate(self._readers):
            m.submodules[f"output{number}"] = reader
            is_last = number == len(self._readers) - 1
            with m.State(f"DRAIN {number}"):
                m.d.comb += [self.answered.eq(1), reader.start.eq(1)]
                self._go_on(m, Const(1), f"DRAINING {number}")
            with m.State(f"DRAINING {number}"):
                m.d.comb += [
                    self.answered.eq(1),
                    bus.address.eq(address), bus.start_read.eq(reader.start_read),
                    reader.r.payload.eq(bus.r.payload), reader.r.valid.eq(bus.r.valid),
                    bus.r.ready.eq(reader.r.ready),
                    self.o.valid.eq(reader.o.valid), reader.o.ready.eq(self.o.ready),
                    self.o.payload.data.eq(reader.o.payload.data),
                    self.o.payload.last.eq(reader.o.payload.last & is_last),
                ]  # fmt: skip
                with m.If(self.drain):
                    m.next = "DRAIN 0"
                with m.Else():
                    self._go_on(m, reader.done, "ANSWERED" if is_last else f"DRAIN {number + 1}")

    def _write(self, m: Module, address: int, writer: MapWriter, source: stream.Interface) -> None:
        """Between ``source`` and the bus stands ``writer``."""
        bus = self._bus
        m.d.comb += [
            bus.address.eq(address), bus.start_write.eq(writer.start_write),
            bus.w.payload.eq(writer.w.payload), bus.w.valid.eq(writer.w.valid),
            writer.w.ready.eq(bus.w.ready),
            writer.i.payload.eq(source.payload), writer.i.valid.eq(source.valid),
            source.ready.eq(writer.i.ready),
        ]  # fmt: skip

    def _go_on(self, m: Module, when: Value, state: str) -> None:
        """On to ``state`` when it is time, or to the inputs' first byte where that is asked for."""
        with m.If(self.fill):
            m.next = "FILL 0"
        with m.Elif(when):
            m.next = state

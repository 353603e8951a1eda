"""Verilog of components: ports, and memories that do not fill the file."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tfl2hw.codegen.verilog import to_verilog


class Store(wiring.Component):
    """A memory behind a stream."""

    def __init__(self, init: list[int]) -> None:
        self.init = init
        super().__init__({"i": In(stream.Signature(8)), "o": Out(8)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(shape=8, depth=1000, init=self.init)
        write, read = memory.write_port(), memory.read_port()
        m.d.sync += write.addr.eq(write.addr + self.i.valid)
        m.d.comb += [
            self.i.ready.eq(1), write.en.eq(self.i.valid), write.data.eq(self.i.payload),
            read.addr.eq(self.i.payload), self.o.eq(read.data),
        ]  # fmt: skip
        return m


def test_ports_are_the_signature_with_clock_and_reset() -> None:
    text = to_verilog(Store([]), "store")
    header = next(line for line in text.splitlines() if line.startswith("module store("))
    ports = header[len("module store(") : -2].split(", ")
    assert sorted(ports) == ["clk", "i__payload", "i__ready", "i__valid", "o", "rst"]


def test_zeros_are_a_loop_and_contents_are_kept() -> None:
    text = to_verilog(Store([0] * 20 + [7, 9]), "store")
    assert "for (n = 0; n < 20; n = n + 1) memory[n] = 8'h00;" in text
    assert "memory[20] = 8'h07;" in text
    assert "memory[21] = 8'h09;" in text
    assert "for (n = 22; n < 1000; n = n + 1) memory[n] = 8'h00;" in text
    assert len(text) < 5000

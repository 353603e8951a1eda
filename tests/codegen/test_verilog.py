"""Verilog of components: ports, and memories that do not fill the file."""

import pytest
from amaranth.hdl import Instance, Module, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tfl2hw.codegen.verilog import to_verilog


class Store(wiring.Component):
    """A memory behind a stream."""

    def __init__(self, init: list[int], *, transparent: bool = False) -> None:
        self.init = init
        self.transparent = transparent
        super().__init__({"i": In(stream.Signature(8)), "o": Out(8)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(shape=8, depth=1000, init=self.init)
        write = memory.write_port()
        read = memory.read_port(transparent_for=(write,) if self.transparent else ())
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


@pytest.mark.parametrize("transparent", [False, True])
def test_what_is_read_while_it_is_written_is_not_used(transparent: bool) -> None:
    """But for a transparent port's."""
    text = to_verilog(Store([], transparent=transparent), "store")
    assert ("no_rw_check" in text) != transparent


class Cell(wiring.Component):
    """A cell of the chip with bits of a signed number."""

    a: In(signed(4))
    y: Out(1)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        late = Signal(signed(4))
        m.d.sync += late.eq(self.a + late)
        m.submodules.cell = Instance("CELL", i_A=late[1], o_Y=self.y)
        return m


def test_no_wire_is_signed_but_sums_are() -> None:
    text = to_verilog(Cell(), "cell", separator="_")
    assert "signed [" not in text
    assert "$signed(" in text

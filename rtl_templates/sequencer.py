"""Fetches the program and issues register writes and job starts, one instruction a cycle."""

from __future__ import annotations

from functools import reduce
from operator import or_

from amaranth.hdl import Module, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .config import CoreConfig
from .isa import FRONT_REGISTERS, KIND_BITS, VALUE_BITS, ConfigBus, Kind, Opcode

WAIT_BITS = 11
"""Bits in which the cycles since the last token are counted: a WAIT is for fewer than 2**WAIT_BITS."""


class Sequencer(wiring.Component):
    """Program memory, instruction pipeline, halting and the cycle counter.

    An instruction takes one cycle, and is executed while the job before is under way, but for these:

    - START, WAIT, END and a taken BREAK wait for ``front_done`` of the last job that was started. The last
      three then wait until ``value`` cycles behind that strobe: results on their way take a time that the
      compiler knows.
    - START and writes to back registers wait for ``taken`` of the last job that was started.

    A NEXT that goes back takes ``jump`` cycles, since the pipeline fills anew; LOOP and the last NEXT take
    one. Loops are counted by ``config.count_bits`` bits and do not nest.

    Latency: ``latency`` cycles from ``run`` to the first write on ``bus``.

    Parameters
    ----------
    config : the core's shape; ``program_depth`` sizes the memory.
    program : initial words.

    Members
    -------
    run, run_pc, run_break, busy, pc, cycles : as in HostBus.
    program_enable, program_address, program_data : write port of the program memory.
    bus : Out(ConfigBus).
    front_done : In(1), strobe: the address generator has issued the job's last token.
    taken : In(1), strobe: the job has taken over the back registers. It comes once for every START but
        those of LOAD.
    """

    latency = 4
    """run -> pc (1), memory (2), instruction register (3), bus (4)."""
    jump = 3
    """Cycles from a NEXT that goes back to the first instruction of the next turn."""

    def __init__(self, config: CoreConfig, program: tuple[int, ...] = ()) -> None:
        self._config = config
        self._program = program
        self._address_bits = max(1, (config.program_depth - 1).bit_length())
        super().__init__({
            "run": In(1),
            "run_pc": In(16),
            "run_break": In(1),
            "busy": Out(1),
            "pc": Out(16),
            "cycles": Out(32),
            "program_enable": In(1),
            "program_address": In(self._address_bits),
            "program_data": In(32),
            "bus": Out(ConfigBus()),
            "front_done": In(1),
            "taken": In(1),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(shape=32, depth=self._config.program_depth, init=self._program)
        write, read = memory.write_port(), memory.read_port()
        m.d.comb += [
            write.en.eq(self.program_enable),
            write.addr.eq(self.program_address),
            write.data.eq(self.program_data),
        ]
        running, stops = Signal(), Signal()
        fetch = Signal(self._address_bits + 1)  # it runs ahead of the last word
        fetched, decoded, stall = Signal(), Signal(), Signal()
        value, register = Signal(VALUE_BITS), Signal.like(self.bus.register)
        # What the word does is told apart before it is registered: stall stands before every other decision.
        writes, starts, waits, halts = Signal(), Signal(), Signal(), Signal()
        loops, returns, joins, takes = Signal(), Signal(), Signal(), Signal()
        begins, early = Signal(), Signal()
        issuing, since, held = self._in_flight(m, begins, value)
        back = self._loop(m, decoded & loops, decoded & returns, value, fetch)

        opcode, stopping = read.data[VALUE_BITS:], _is(read.data, Opcode.BREAK) & stops
        is_back = ~opcode[-1] & (opcode[:-1] >= len(FRONT_REGISTERS))
        # Each decision looks at those reasons to stall alone that its instruction may have.
        halted = decoded & halts & ~issuing & ~early
        m.d.comb += [
            early.eq(since < value[:WAIT_BITS]),
            begins.eq(decoded & starts & ~issuing & ~held),
            stall.eq(decoded & ((joins & issuing) | (waits & early) | (takes & held))),
            read.addr.eq(fetch),
            read.en.eq(~stall),
        ]
        with m.If(~stall):
            m.d.sync += [
                fetch.eq(fetch + 1), fetched.eq(running), decoded.eq(fetched),
                value.eq(read.data[:VALUE_BITS]), register.eq(opcode), writes.eq(~opcode[-1]),
                starts.eq(_is(read.data, Opcode.START)),
                halts.eq(_is(read.data, Opcode.END) | stopping),
                waits.eq(_is(read.data, Opcode.WAIT, Opcode.END) | stopping),
                joins.eq(_is(read.data, Opcode.START, Opcode.WAIT, Opcode.END) | stopping),
                takes.eq(_is(read.data, Opcode.START) | is_back),
                loops.eq(_is(read.data, Opcode.LOOP)),
                returns.eq(_is(read.data, Opcode.NEXT)),
            ]  # fmt: skip
        m.d.sync += [
            self.bus.valid.eq(decoded & writes & ~(takes & held)),
            self.bus.start.eq(begins),
            self.bus.register.eq(register),
            self.bus.value.eq(value),
        ]
        with m.If(running):
            m.d.sync += self.cycles.eq(self.cycles + 1)
        with m.If(self.run):
            m.d.sync += [
                running.eq(1), stops.eq(self.run_break), fetch.eq(self.run_pc), self.cycles.eq(0),
                fetched.eq(0), decoded.eq(0),
            ]  # fmt: skip
        with m.Elif(halted):
            m.d.sync += [running.eq(0), fetched.eq(0), decoded.eq(0), self.pc.eq(fetch - 1)]
        with m.Elif(back):
            m.d.sync += [fetch.eq(self._body), fetched.eq(0), decoded.eq(0)]
        m.d.comb += self.busy.eq(running)
        return m

    def _loop(self, m: Module, begins: Value, returns: Value, value: Value, fetch: Signal) -> Value:
        """Turns that are left, and where the body begins; returns whether a NEXT goes back to there."""
        self._body = Signal.like(fetch, name="body", reset_less=True)
        turns = Signal(signed(self._config.count_bits), reset_less=True)
        back = Signal()
        m.d.comb += back.eq(returns & ~turns[-1])
        with m.If(begins):
            m.d.sync += [turns.eq(value), self._body.eq(fetch - 1)]
        with m.Elif(back):
            m.d.sync += turns.eq(turns - 1)
        return back

    def _in_flight(self, m: Module, starts: Value, value: Value) -> tuple[Value, Signal, Value]:
        """Whether the last job still issues tokens, the cycles since it did (as many as can be counted, at
        most), and whether it has yet to take over its back registers.
        """
        busy, pending = Signal(), Signal()
        since = Signal(WAIT_BITS, init=(1 << WAIT_BITS) - 1)
        issuing = busy & ~self.front_done
        with m.If(starts):
            m.d.sync += [busy.eq(1), pending.eq(value[:KIND_BITS] != Kind.LOAD)]
        with m.Else():
            with m.If(self.front_done):
                m.d.sync += busy.eq(0)
            with m.If(self.taken):
                m.d.sync += pending.eq(0)
        with m.If(starts | issuing):
            m.d.sync += since.eq(0)
        with m.Elif(~since.all()):
            m.d.sync += since.eq(since + 1)
        return issuing, since, pending & ~self.taken


def _is(word: Value, *opcodes: Opcode) -> Value:
    """Whether the word is such an instruction: bit 7 of the opcode and the low three tell all apart."""
    low = word[VALUE_BITS : VALUE_BITS + 3]
    return word[-1] & reduce(or_, (low == opcode & 7 for opcode in opcodes))

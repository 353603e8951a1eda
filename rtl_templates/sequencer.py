"""Fetches the program and issues register writes and job starts, one instruction a cycle."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_

from amaranth.hdl import Module, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .config import CoreConfig
from .isa import KIND_BITS, VALUE_BITS, ConfigBus, Kind, Opcode


class Sequencer(wiring.Component):
    """Program memory, instruction pipeline, halting and the cycle counter.

    An instruction takes one cycle. While the address generator works on a job nothing is executed;
    WAIT, END and a taken BREAK wait ``drain[kind]`` cycles more. A NEXT that goes back takes
    ``jump`` cycles, since the pipeline fills anew; LOOP and the last NEXT take one.

    Loops are counted by ``config.count_bits`` bits and do not nest.

    Latency: ``latency`` cycles from ``run`` to the first write on ``bus``.

    Parameters
    ----------
    config : the core's shape; ``program_depth`` sizes the memory.
    drain : for each kind of job, cycles from ``front_done`` until its last effect is in memory.
    program : initial words.

    Members
    -------
    run, run_pc, run_break, busy, pc, cycles : as in HostBus.
    program_enable, program_address, program_data : write port of the program memory.
    bus : Out(ConfigBus).
    front_done : In(1), strobe: the address generator has issued the job's last token.
    """

    latency = 4
    """run -> pc (1), memory (2), instruction register (3), bus (4)."""
    jump = 3
    """Cycles from a NEXT that goes back to the first instruction of the next turn."""

    def __init__(self, config: CoreConfig, drain: Mapping[Kind, int], program: tuple[int, ...] = ()) -> None:
        self._config = config
        self._drain = drain
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
        writes, waits, halts = Signal(), Signal(), Signal()
        starts, loops, returns = Signal(), Signal(), Signal()
        free = Signal()  # no job is being issued: what does not wait is executed
        executes = decoded & free
        left = self._left(m, executes & starts, value)
        back = self._loop(m, executes & loops, executes & returns, value, fetch)
        halted = executes & halts & left[-1]

        m.d.comb += [
            free.eq(~self._front_busy),
            stall.eq(decoded & (self._front_busy | (waits & ~left[-1]))),
            read.addr.eq(fetch),
            read.en.eq(~stall),
        ]
        with m.If(~stall):
            m.d.sync += [
                fetch.eq(fetch + 1), fetched.eq(running), decoded.eq(fetched),
                value.eq(read.data[:VALUE_BITS]), register.eq(read.data[VALUE_BITS:]),
                writes.eq(~read.data[-1]),
                starts.eq(_is(read.data, Opcode.START)),
                halts.eq(_is(read.data, Opcode.END) | (_is(read.data, Opcode.BREAK) & stops)),
                waits.eq(
                    _is(read.data, Opcode.WAIT, Opcode.END) | (_is(read.data, Opcode.BREAK) & stops)
                ),
                loops.eq(_is(read.data, Opcode.LOOP)),
                returns.eq(_is(read.data, Opcode.NEXT)),
            ]  # fmt: skip
        m.d.sync += [
            self.bus.valid.eq(executes & writes),
            self.bus.start.eq(executes & starts),
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

    def _left(self, m: Module, starts: Value, value: Value) -> Signal:
        """Track the job in flight: busy from its START, draining from ``front_done``.

        Returns the cycles that are left of the drain, negative when it is over.
        """
        self._front_busy = Signal()
        kind = Signal(Kind)
        bits = max(self._drain.values()).bit_length() + 1
        left = Signal(signed(bits), init=-1)
        with m.If(starts):
            m.d.sync += [self._front_busy.eq(1), kind.eq(value[:KIND_BITS])]
        with m.Elif(self.front_done):
            m.d.sync += self._front_busy.eq(0)
        with m.If(self.front_done):
            with m.Switch(kind):
                for each, cycles in self._drain.items():
                    with m.Case(each):
                        m.d.sync += left.eq(cycles - 2)
        with m.Elif(~left[-1]):
            m.d.sync += left.eq(left - 1)
        return left


def _is(word: Value, *opcodes: Opcode) -> Value:
    """Whether the word is such an instruction: bit 7 of the opcode and the low three tell all apart."""
    low = word[VALUE_BITS : VALUE_BITS + 3]
    return word[-1] & reduce(or_, (low == opcode & 7 for opcode in opcodes))

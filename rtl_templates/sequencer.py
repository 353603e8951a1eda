"""Fetches the program and issues register writes and job starts, one instruction a cycle."""

from __future__ import annotations

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .config import CoreConfig
from .entries import split_memory
from .isa import (
    FRONT_REGISTERS,
    INDEX,
    KIND_BITS,
    REGISTERS,
    UNSHADOWED,
    VALUE_BITS,
    ConfigBus,
    Kind,
    Opcode,
)

WAIT_BITS = 11
"""Bits in which the cycles since the last token are counted: a WAIT is for fewer than 2**WAIT_BITS."""


AHEAD = 3
"""How far the fetch is ahead of the word behind the one that is executed."""

_FLAGS = data.StructLayout(
    dict.fromkeys(
        ("write", "start", "wait", "halt", "loop", "next", "needs_tokens", "needs_taken", "needs_idle"), 1
    )
)
"""What an instruction does. ``needs_tokens``: all of the last job's must have been issued. ``needs_taken``:
it must have taken over its back registers. ``needs_idle``: the cycle behind the strobe ``front_done`` must be
over, too."""


class Sequencer(wiring.Component):
    """Program memory, instruction pipeline, halting and the cycle counter.

    An instruction takes one cycle, and is executed while the job before is under way, but for these:

    - START, WAIT, END and a taken BREAK wait for ``front_done`` of the last job that was started. The last
      three then wait until ``value`` cycles behind that strobe: results on their way take a time that the
      compiler knows.
    - START and writes to back registers wait for ``taken`` of the last job that was started.
    - Without ``config.shadows`` writes to the registers in ``UNSHADOWED`` wait until the cycle behind
      ``front_done``.

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
        those of LOAD, and is heard ``hears`` cycles later.
    """

    latency = 6
    """run -> pc (1), memory (2), its register (3), the way (4), instruction register (5), bus (6)."""
    jump = 5
    """Cycles from a NEXT that goes back to the first instruction of the next turn."""
    hears = 1
    """Cycles from ``taken`` until a START or a write to a back register may be executed."""

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
        running, stops = Signal(), Signal()
        fetch = Signal(range(self._config.program_depth + AHEAD + 2))  # it runs ahead of the last word
        fetched, leaves, waits, stall = (Signal() for _ in range(4))
        # a word stays by being read again: a block RAM that is always read can have an output register
        address, shown = Signal.like(fetch), Signal.like(fetch)
        # the memory may be far away: its register, a register for the way
        shows, arrived, instruction = (Signal(32, reset_less=True) for _ in range(3))
        value = instruction[:VALUE_BITS]
        does, following = Signal(_FLAGS), Signal(_FLAGS)
        late = Signal()
        waiting, word = self._skid(m, stall, late, (waits, arrived))
        issuing, unmet, held = self._in_flight(m, does.start & ~stall, value, (stall, word))
        m.d.comb += [
            following.eq(_decode(word[VALUE_BITS:], stops, self._config.shadows)),
            stall.eq(
                (does.needs_tokens & issuing)
                | (does.wait & unmet)
                | (does.needs_taken & held)
                | (does.needs_idle & self._busy)
            ),
            shown.eq(Mux(late, address, fetch)),
        ]
        m.d.sync += address.eq(shown)
        read = split_memory(
            m, "memory", self._config, bits=32, depth=self._config.program_depth, init=self._program,
            write=(self.program_enable, self.program_address, self.program_data), address=shown,
        )  # fmt: skip
        with m.If(~late):
            m.d.sync += [
                fetch.eq(fetch + 1), fetched.eq(running),
                shows.eq(read), leaves.eq(fetched),
                arrived.eq(shows), waits.eq(leaves),
            ]  # fmt: skip
        with m.If(~stall):
            m.d.sync += [instruction.eq(word), does.eq(Mux(waiting, following, 0))]
        m.d.sync += [
            self.bus.valid.eq(does.write & ~stall),
            self.bus.start.eq(does.start & ~stall),
            self.bus.register.eq(instruction[VALUE_BITS:]),
            self.bus.value.eq(value),
        ]
        with m.If(running):
            m.d.sync += self.cycles.eq(self.cycles + 1)
        back = self._loop(m, does, value, fetch)
        with m.If(self.run):
            m.d.sync += [
                running.eq(1), stops.eq(self.run_break), fetch.eq(self.run_pc), self.cycles.eq(0),
                fetched.eq(0), leaves.eq(0), waits.eq(0), does.eq(0),
            ]  # fmt: skip
        with m.Elif(does.halt & ~stall):
            m.d.sync += [
                running.eq(0),
                fetched.eq(0),
                leaves.eq(0),
                waits.eq(0),
                does.eq(0),
                self.pc.eq(fetch - Mux(late, AHEAD + 1, AHEAD)),  # late: the fetch went on as this waited
            ]
        with m.Elif(back):
            m.d.sync += [fetch.eq(self._body), fetched.eq(0), leaves.eq(0), waits.eq(0), does.eq(0)]
        m.d.comb += self.busy.eq(running)
        return m

    def _skid(
        self, m: Module, stall: Signal, late: Signal, arrives: tuple[Signal, Signal]
    ) -> tuple[Value, Value]:
        """The word behind the one that is executed, and whether there is one: ``arrives``, or what arrived
        before it where the fetch, which hears of a stall a cycle ``late``, has gone on by a word. A small
        core does without: there the fetch hears at once.
        """
        waits, arrived = arrives
        if not self._config.bank_registers:
            m.d.comb += late.eq(stall)
            return waits, arrived
        kept, keeps = Signal.like(arrived), Signal()
        m.d.sync += late.eq(stall)
        with m.If(~late):
            m.d.sync += [kept.eq(arrived), keeps.eq(waits)]
        return Mux(late, keeps, waits), Mux(late, kept, arrived)

    def _loop(self, m: Module, does: data.View[data.StructLayout], value: Value, fetch: Signal) -> Value:
        """Turns that are left, and where the body begins; returns whether a NEXT goes back to there.

        Neither of the two instructions ever waits, so they need not be told whether there is a stall.
        """
        self._body = Signal.like(fetch, name="body", reset_less=True)
        turns = Signal(signed(self._config.count_bits), reset_less=True)
        back = Signal()
        m.d.comb += back.eq(does.next & ~turns[-1])
        with m.If(does.loop):
            m.d.sync += [turns.eq(value), self._body.eq(fetch - AHEAD)]
        with m.Elif(back):
            m.d.sync += turns.eq(turns - 1)
        return back

    def _in_flight(
        self, m: Module, starts: Value, value: Value, follows: tuple[Value, Value]
    ) -> tuple[Value, Value, Value]:
        """Whether the last job still issues tokens, whether fewer cycles than ``value`` have gone by since it
        did, and whether it has yet to take over its back registers.

        follows : whether the instruction stays, and the one behind it: the cycles are compared in the cycle
            before they are needed.
        """
        self._busy = busy = Signal()
        pending, taken = Signal(), Signal()
        # the cycles gone by in the cycle that follows; the top bit says that there are too many to count
        following = Signal(WAIT_BITS + 1, init=1 << WAIT_BITS)
        issuing = busy & ~self.front_done
        m.d.sync += taken.eq(self.taken)
        with m.If(starts):
            m.d.sync += [busy.eq(1), pending.eq(value[:KIND_BITS] != Kind.LOAD)]
        with m.Else():
            with m.If(self.front_done):
                m.d.sync += busy.eq(0)
            with m.If(taken):
                m.d.sync += pending.eq(0)
        m.d.sync += following.eq(Mux(starts | issuing, 1, following + ~following[-1]))
        stays, word = follows
        unmet = Signal()

        def short(wanted: Value) -> Value:
            return Mux(issuing, wanted.any(), following < wanted)

        m.d.sync += unmet.eq(Mux(stays, short(value[:WAIT_BITS]), short(word[:WAIT_BITS])))
        return issuing, unmet, pending & ~taken


def _decode(opcode: Value, stops: Value, shadows: bool) -> Value:
    """What an instruction does, in the order of ``_FLAGS``."""
    start, halt = opcode == Opcode.START, (opcode == Opcode.END) | ((opcode == Opcode.BREAK) & stops)
    wait = (opcode == Opcode.WAIT) | halt
    write = opcode < len(REGISTERS)
    back = (opcode >= len(FRONT_REGISTERS)) & write
    front = Const(0) if shadows else reduce(or_, (opcode == INDEX[name] for name in UNSHADOWED))
    loop, following = opcode == Opcode.LOOP, opcode == Opcode.NEXT
    return Cat(write, start, wait, halt, loop, following, start | wait, start | back, front)

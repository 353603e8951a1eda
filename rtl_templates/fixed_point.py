"""A small machine for fixed-point formulas: one accumulator, one memory, one serial multiplier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from amaranth import Module, Mux, Signal, signed
from amaranth.lib import data, enum, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

DIGITS = 31
"""Steps of a product that shift; one more subtracts for the serial operand's sign."""


class Op(enum.IntEnum, shape=3):
    """What an instruction does with the accumulator and the word at its address."""

    ADD = 0
    SUBTRACT = 1
    MULTIPLY = 2  # accumulator = floor((accumulator * word + 2**30) / 2**31)
    STORE = 3
    HALT = 4  # and go on reading the word at the address


FLAGS = ("clear", "test", "count", "indexed", "conditional")


@dataclass(frozen=True, kw_only=True)
class Program:
    """What a :class:`FixedPoint` computes.

    Parameters
    ----------
    code : lines of ``op name flag...``. ``name`` is a word of ``words`` (for the last line, which
        has to be ``halt``, the word that stays on the read port).
    words : initial values of the memory's first words by name; a sequence takes as many words.
    test_bit : the flag of ``test`` is set where no bit from this one to bit 30 is.

    The flags: ``clear`` (of ``store``) sets the accumulator to 0 once it is stored, ``test`` (of ``store``)
    tests it for the flag, ``count`` adds 1 to the index if that test sets the flag, ``indexed`` adds the
    index to the address, ``conditional`` has an addition, subtraction or store happen only if the flag is
    set (a store still clears).
    """

    code: str
    words: Mapping[str, int | Sequence[int]]
    test_bit: int

    @property
    def addresses(self) -> dict[str, int]:
        """Address of each named word."""
        addresses, free = {}, 0
        for name, value in self.words.items():
            addresses[name] = free
            free += 1 if isinstance(value, int) else len(value)
        return addresses

    @property
    def contents(self) -> tuple[int, ...]:
        """The words from address 0, signed."""
        values = []
        for value in self.words.values():
            values += [value] if isinstance(value, int) else value
        return tuple(values)

    @property
    def instructions(self) -> tuple[tuple[Op, int, frozenset[str]], ...]:
        """Op, address and flags of each instruction. Raises ValueError for what is none."""
        decoded = []
        for line in filter(None, map(str.strip, self.code.splitlines())):
            op, name, *flags = line.split()
            if op.upper() not in Op.__members__ or name not in self.words or set(flags) - set(FLAGS):
                raise ValueError(f"no instruction: {line!r}")
            decoded.append((Op[op.upper()], self.addresses[name], frozenset(flags)))
        if not decoded or decoded[-1][0] != Op.HALT:
            raise ValueError("the last instruction must be halt")
        return tuple(decoded)

    @property
    def flag_bits(self) -> int:
        """Bits of an instruction besides its address."""
        return 3 + len(FLAGS)

    @property
    def latency(self) -> int:
        """Cycles from ``start`` until the accumulator has the result: the same for all operands."""
        products = sum(op == Op.MULTIPLY for op, _, _ in self.instructions)
        return 2 + 2 * (len(self.instructions) - 1) + products * (DIGITS + 1)


class FixedPoint(wiring.Component):
    """Runs a :class:`Program` on its accumulator; between runs its owner has accumulator and memory.

    Two cycles an instruction, ``multiply`` 34. A product takes its serial operand from the accumulator, its
    parallel one from the memory; its accumulator starts at 2**30, so that it ends rounded (ties up) as
    ``SaturatingRoundingDoublingHighMul`` for any operands but twice -2**31. Sums wrap at 32 bits.

    Members
    -------
    start : In(1), a strobe that runs the program. The index starts at 0.
    running : Out(1), from the cycle after ``start`` to the program's end. No other input but ``load`` may
        be used in that time; the word at ``halt``'s address is read from its end on.
    address : In, the word to read, with ``select``; it is on ``word`` in the next cycle, and until
        something else is read.
    word : Out(signed(32)).
    add : In(1): accumulator += word.
    clear : In(1): accumulator = 0.
    multiply, digits, skip : In(1), In(signed(9)), In(4): accumulator = floor((digits * 2**skip * word +
        2**30) / 2**31) within 33 cycles, in which ``word`` has to stay.
    product : Out(1), the cycle in which that result is in the accumulator. The next may start in it.
    accumulator : Out(signed(32)).
    total : Out(signed(33)), accumulator + word.
    index : Out(5), how often ``count`` counted.
    flag : Out(1), what the last ``test`` found.
    load_en, load_address, load_data : In, writes a word.

    Parameters
    ----------
    program : its words stand at address ``len(table)`` and above.
    table : words of the owner, from address 0.
    """

    def __init__(self, program: Program, table: Sequence[int]) -> None:
        self._program = program
        self._base = len(table)
        self._init = (*table, *program.contents)
        self.address_bits = (len(self._init) - 1).bit_length()
        super().__init__({
            "start": In(1), "running": Out(1),
            "select": In(1), "address": In(self.address_bits), "word": Out(signed(32)),
            "add": In(1), "clear": In(1),
            "multiply": In(1), "digits": In(signed(9)), "skip": In(4), "product": Out(1),
            "accumulator": Out(signed(32)), "total": Out(signed(33)),
            "index": Out(5), "flag": Out(1),
            "load_en": In(1), "load_address": In(self.address_bits), "load_data": In(32),
        })  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        instruction, fetch = self._fetched(m)
        reading = Signal()  # the first of an instruction's two cycles
        m.submodules.memory = memory = Memory(shape=signed(32), depth=len(self._init), init=self._init)
        read, write = memory.read_port(), memory.write_port()
        address = instruction.address + Mux(instruction.indexed, self.index, 0)
        m.d.comb += [
            read.en.eq(reading | self.select),
            read.addr.eq(Mux(self.running, address, self.address)),
            self.word.eq(read.data),
        ]

        count = Signal(range(DIGITS + 1), init=DIGITS)
        step = Signal()  # a product's cycles
        execute = self.running & ~reading & ~step
        multiplies = execute & (instruction.op == Op.MULTIPLY)
        done = execute & ~multiplies | (self.running & step & (count == DIGITS))
        happens = execute & (self.flag | ~instruction.conditional)
        halted = instruction.op == Op.HALT
        with m.If(self.start):
            m.d.sync += [self.running.eq(1), reading.eq(1), self.index.eq(0)]
        with m.Elif(reading):
            m.d.sync += reading.eq(0)
            m.d.sync += self.running.eq(~halted)
        with m.Elif(done):
            m.d.sync += reading.eq(1)
        m.d.comb += fetch.eq(self.start | done)

        store = happens & (instruction.op == Op.STORE)
        m.d.comb += [
            write.en.eq(store | self.load_en),
            write.addr.eq(Mux(self.running, instruction.address, self.load_address)),
            write.data.eq(Mux(self.running, self.accumulator, self.load_data)),
        ]
        small = ~self.accumulator[self._program.test_bit : 31].any()
        with m.If(execute & instruction.test):
            m.d.sync += self.flag.eq(small)
            m.d.sync += self.index.eq(self.index + (instruction.count & small))

        begin = multiplies | self.multiply
        with m.If(begin):
            m.d.sync += [step.eq(1), count.eq(0)]
        with m.Elif(step):
            m.d.sync += [count.eq(count + 1), step.eq(count != DIGITS)]
        m.d.sync += self.product.eq(step & (count == DIGITS) & ~self.running)
        self._accumulate(
            m,
            begin=begin,
            step=step,
            count=count,
            add=self.add | (happens & (instruction.op == Op.ADD)),
            subtract=happens & (instruction.op == Op.SUBTRACT),
            clear=self.clear | (execute & instruction.clear),
        )
        return m

    def _fetched(self, m: Module) -> tuple[data.View, Signal]:
        """The instruction at hand, and the strobe that gets the next one."""
        layout = data.StructLayout({
            "op": Op, "clear": 1, "test": 1, "count": 1, "indexed": 1, "conditional": 1,
            "address": self.address_bits,
        })  # fmt: skip
        code = [
            {"op": op, "address": self._base + address, **dict.fromkeys(flags, 1)}
            for op, address, flags in self._program.instructions
        ]
        m.submodules.code = rom = Memory(shape=layout, depth=len(code), init=code)
        port = rom.read_port()
        fetch = Signal()
        counter = Signal(range(len(code)))
        m.d.comb += [port.en.eq(fetch), port.addr.eq(Mux(self.start, 0, counter))]
        with m.If(fetch):
            m.d.sync += counter.eq(port.addr + 1)
        return port.data, fetch

    def _accumulate(
        self,
        m: Module,
        *,
        begin: Signal,
        step: Signal,
        count: Signal,
        add: Signal,
        subtract: Signal,
        clear: Signal,
    ) -> None:
        """One adder for sums and products, a digit of the serial operand a cycle."""
        serial = Signal(signed(32), reset_less=True)
        left = Signal(4)
        shift = step & (count != DIGITS)
        skipping = left.any()
        with m.If(begin):
            m.d.sync += serial.eq(Mux(self.multiply, self.digits, self.accumulator))
            m.d.sync += left.eq(Mux(self.multiply, self.skip, 0))
        with m.Elif(skipping):
            m.d.sync += left.eq(left - 1)
        with m.Else():
            m.d.sync += serial.eq(serial >> 1)
        negate = subtract | (step & ~shift)
        used = Mux(step, serial[0] & ~skipping, 1)
        operand = Signal(signed(32))
        accumulator = Signal(signed(32), reset_less=True)
        m.d.comb += [
            operand.eq(Mux(used, Mux(negate, ~self.word, self.word), 0)),
            self.total.eq(accumulator + operand + (negate & used)),
            self.accumulator.eq(accumulator),
        ]
        with m.If(begin):
            m.d.sync += accumulator.eq(1 << 30)
        with m.Elif(clear):
            m.d.sync += accumulator.eq(0)
        with m.Elif(step | add | subtract):
            m.d.sync += accumulator.eq(Mux(shift, self.total >> 1, self.total))

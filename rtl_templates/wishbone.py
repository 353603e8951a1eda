"""A core behind a Wishbone bus: registers, and windows for inputs, outputs and weights."""

from __future__ import annotations

import enum

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .config import CoreConfig
from .image import Image
from .inference import Inference, Tensors

WORD_BYTES = 4
LEAST_WINDOW_WORDS = 16


class Register(enum.IntEnum):
    """Words of the first window."""

    CONTROL = 0
    STATUS = 1
    CYCLES = 2
    INPUT_BYTES = 3
    OUTPUT_BYTES = 4
    WEIGHT_BYTES = 5
    IDENTITY = 8  # four words, the first byte lowest


class Control(enum.IntFlag):
    """Bits of CONTROL."""

    START = 1 << 0  # written 1: run; read as 0
    INTERRUPT = 1 << 1  # irq is high while DONE is


class Status(enum.IntFlag):
    """Bits of STATUS. From DONE on they stay until 1 is written to them."""

    BUSY = 1 << 0  # running, or resting after a reset
    LOADED = 1 << 1  # there are no weights to be loaded any more
    FILLED = 1 << 2  # all inputs are there: START may come
    ANSWERED = 1 << 3  # the outputs may be read
    DONE = 1 << 4  # a run has ended
    ERROR_BUSY = 1 << 5  # START, or an access to a window, while busy
    ERROR_ORDER = 1 << 6  # a byte was written that was not the next one
    ERROR_EMPTY = 1 << 7  # START without inputs, outputs read without an answer, inputs before the weights


class Window(enum.IntEnum):
    """The upper two bits of an address."""

    REGISTERS = 0
    INPUT = 1
    OUTPUT = 2
    WEIGHTS = 3


class Wishbone(wiring.Signature):
    """A 32-bit bus of words, from the master's side, classic or pipelined.

    ``stall`` is for a pipelined master: it is high until the cycle of ``ack``.
    """

    def __init__(self, address_bits: int) -> None:
        super().__init__({
            "adr": Out(address_bits), "dat_w": Out(32), "dat_r": In(32), "sel": Out(4),
            "cyc": Out(1), "stb": Out(1), "we": Out(1), "ack": In(1), "stall": In(1),
        })  # fmt: skip


def window_bits(tensors: Tensors) -> int:
    """Bits that number a window's words."""
    most = max(tensors.input_bytes, tensors.output_bytes, tensors.weight_bytes)
    words = max(LEAST_WINDOW_WORDS, -(-most // WORD_BYTES))
    return (words - 1).bit_length()


class WishboneCore(wiring.Component):
    """Registers, an input, an output and a weights window, and an interrupt.

    Inputs, and weights where some have to be loaded, are written from byte 0 upwards, any bytes of a word
    with ``sel``; to write byte 0 begins anew. Bytes of a word behind the last one are ignored. Outputs are
    read in any order; upwards is fast, as to go back means to read from the beginning.

    Latency: a register answers in the cycle behind the request. A write to a window answers so too, and the
    next request waits until its bytes have gone on, a byte a cycle. A read of the next word of the outputs
    takes about ``lanes`` + 10 cycles.

    Parameters
    ----------
    config, image : as for ``Core``. tensors : where they lie.

    Members
    -------
    wb : In(Wishbone). irq : Out(1), high while DONE is and CONTROL allows it.
    """

    TITLE = "The core as a Wishbone slave: registers, windows for inputs, outputs and weights, an interrupt."
    PORTS = {
        "wb_adr": "the word's number: two bits choose the window, the others the word in it",
        "wb_dat_w": "the word to write",
        "wb_dat_r": "the word read, with wb_ack",
        "wb_sel": "which of its bytes are written",
        "wb_cyc": "a bus cycle is under way",
        "wb_stb": "there is a request",
        "wb_we": "it writes",
        "wb_ack": "it is done",
        "wb_stall": "for a pipelined master: the request is not taken yet; leave it open otherwise",
        "irq": "high while DONE is set and CONTROL allows it",
    }

    def __init__(self, config: CoreConfig, image: Image, tensors: Tensors) -> None:
        self._inference = Inference(config, image, tensors)
        self._tensors = tensors
        self._identity = config.identity
        self._bits = window_bits(tensors)
        super().__init__({"wb": In(Wishbone(self._bits + 2)), "irq": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.inference = inference = self._inference
        wb, tensors = self.wb, self._tensors
        self._word, self._window = wb.adr[: self._bits], wb.adr[self._bits :]
        self._first = Cat(Const(0, 2), self._word)  # its first byte's number
        self._interrupt, self._running, self._done = Signal(), Signal(), Signal()
        self._errors = {bit: Signal(name=bit.name.lower()) for bit in Status if bit > Status.DONE}
        self._data, self._left = Signal(32, reset_less=True), Signal(4)  # bytes on their way in
        self._to_weights = Signal(reset_less=True)
        self._written = Signal(range(max(tensors.input_bytes, tensors.weight_bytes) + 1))
        self._read = Signal(range(tensors.output_bytes + 1))  # bytes of the outputs that have come
        self._kept, self._kept_word = Signal(), Signal(self._bits, reset_less=True)
        self._kept_data = Signal(32, reset_less=True)
        request = wb.cyc & wb.stb & ~wb.ack
        m.d.sync += wb.ack.eq(0)
        m.d.comb += [wb.stall.eq(wb.cyc & ~wb.ack), self.irq.eq(self._interrupt & self._done)]
        with m.FSM():
            with m.State("IDLE"), m.If(request):
                m.d.sync += [wb.ack.eq(1), wb.dat_r.eq(0)]
                with m.Switch(self._window):
                    with m.Case(Window.REGISTERS):
                        self._register(m)
                    with m.Case(Window.OUTPUT):
                        self._begin_read(m)
                    with m.Default():
                        self._begin_write(m)
            with m.State("PUSH"):
                self._push(m)
            with m.State("PULL"):
                self._pull(m)
            with m.State("PULLED"):
                m.d.sync += [wb.ack.eq(wb.cyc & wb.stb), wb.dat_r.eq(self._kept_data), self._kept.eq(1)]
                m.next = "IDLE"
        with m.If(self._running & inference.answered):
            m.d.sync += [self._running.eq(0), self._done.eq(1)]
        return m

    def _register(self, m: Module) -> None:
        """A read or a write of a register."""
        wb, inference, tensors = self.wb, self._inference, self._tensors
        identity = bytes.fromhex(self._identity)
        status = Cat(
            inference.busy, inference.loaded, inference.filled, inference.answered, self._done,
            *self._errors.values(),
        )  # fmt: skip
        values: dict[int, Value] = {
            Register.CONTROL: Cat(Const(0, 1), self._interrupt),
            Register.STATUS: status,
            Register.CYCLES: inference.cycles,
            Register.INPUT_BYTES: Const(tensors.input_bytes, 32),
            Register.OUTPUT_BYTES: Const(tensors.output_bytes, 32),
            Register.WEIGHT_BYTES: Const(tensors.weight_bytes, 32),
        }
        for number in range(len(identity) // WORD_BYTES):
            word = identity[WORD_BYTES * number :][:WORD_BYTES]
            values[Register.IDENTITY + number] = Const(int.from_bytes(word, "little"), 32)
        with m.Switch(self._word):
            for number, value in values.items():
                with m.Case(number):
                    m.d.sync += wb.dat_r.eq(value)
        writes = wb.we & wb.sel[0]
        with m.If(writes & (self._word == Register.STATUS)):
            for bit, flag in {Status.DONE: self._done, **self._errors}.items():
                with m.If(wb.dat_w & bit):
                    m.d.sync += flag.eq(0)
        with m.If(writes & (self._word == Register.CONTROL)):
            m.d.sync += self._interrupt.eq((wb.dat_w & Control.INTERRUPT).any())
            with m.If(wb.dat_w & Control.START):
                self._start(m)

    def _start(self, m: Module) -> None:
        inference = self._inference
        with m.If(inference.busy):
            m.d.sync += self._errors[Status.ERROR_BUSY].eq(1)
        with m.Elif(inference.filled):
            m.d.comb += inference.run.eq(1)
            m.d.sync += [self._running.eq(1), self._read.eq(0), self._kept.eq(0)]
        with m.Else():
            m.d.sync += self._errors[Status.ERROR_EMPTY].eq(1)

    def _begin_write(self, m: Module) -> None:
        """A write to the window of inputs or weights, unless its bytes are not the next ones."""
        wb, inference, tensors, written = self.wb, self._inference, self._tensors, self._written
        lane = Mux(wb.sel[0], 0, Mux(wb.sel[1], 1, Mux(wb.sel[2], 2, 3)))
        position = Cat(lane[:2], self._word)
        to_weights = self._window == Window.WEIGHTS
        total = Mux(to_weights, tensors.weight_bytes, tensors.input_bytes)
        anew = (position == 0) & ~to_weights
        follows = (position == written) & (written != total)
        with m.If(wb.we):
            with m.If(inference.busy):
                m.d.sync += self._errors[Status.ERROR_BUSY].eq(1)
            with m.Elif(~to_weights & ~inference.loaded):
                m.d.sync += self._errors[Status.ERROR_EMPTY].eq(1)
            with m.Elif((to_weights & inference.loaded) | ~(anew | follows)):
                m.d.sync += self._errors[Status.ERROR_ORDER].eq(1)
            with m.Else():
                m.d.sync += [
                    self._data.eq(wb.dat_w >> Cat(Const(0, 3), lane[:2])), self._left.eq(wb.sel >> lane),
                    self._to_weights.eq(to_weights),
                ]  # fmt: skip
                m.next = "PUSH"
                with m.If(anew):
                    m.d.comb += inference.fill.eq(1)
                    m.d.sync += [written.eq(0), self._kept.eq(0)]

    def _push(self, m: Module) -> None:
        """Bytes of the word written, one a cycle; behind the last one of all, the padding that follows."""
        inference, tensors = self._inference, self._tensors
        with m.If(self._to_weights):
            self._push_to(m, inference.weights, tensors.weight_bytes, inference.loaded)
            with m.If(inference.loaded):
                m.d.sync += self._written.eq(0)
        with m.Else():
            self._push_to(m, inference.i, tensors.input_bytes, inference.filled)

    def _push_to(self, m: Module, target: stream.Interface, total: int, complete: Value) -> None:
        whole = self._written == total
        m.d.comb += [target.payload.eq(self._data[:8]), target.valid.eq(self._left[0] & ~whole)]
        with m.If(~target.valid | target.ready):
            m.d.sync += [
                self._data.eq(self._data >> 8), self._left.eq(self._left >> 1),
                self._written.eq(self._written + target.valid),
            ]  # fmt: skip
        with m.If((self._left == 0) & (~whole | complete)):
            m.next = "IDLE"

    def _begin_read(self, m: Module) -> None:
        """A read of the outputs: the word that is kept, or the next one, or from the beginning again."""
        wb, inference = self.wb, self._inference
        with m.If(wb.we):
            pass
        with m.Elif(inference.busy):
            m.d.sync += self._errors[Status.ERROR_BUSY].eq(1)
        with m.Elif(~inference.answered):
            m.d.sync += self._errors[Status.ERROR_EMPTY].eq(1)
        with m.Elif(self._kept & (self._kept_word == self._word)):
            m.d.sync += wb.dat_r.eq(self._kept_data)
        with m.Elif(self._first < self._tensors.output_bytes):
            m.d.sync += [
                wb.ack.eq(0),
                self._kept.eq(0),
                self._kept_word.eq(self._word),
                self._kept_data.eq(0),
            ]
            m.next = "PULL"
            with m.If(self._first < self._read):
                m.d.comb += inference.drain.eq(1)
                m.d.sync += self._read.eq(0)

    def _pull(self, m: Module) -> None:
        """Takes outputs up to the end of the word that is asked for, or to their own."""
        o, read = self._inference.o, self._read
        wanted = read[2:] == self._kept_word
        m.d.comb += o.ready.eq(1)
        with m.If(o.valid):
            m.d.sync += read.eq(read + 1)
            with m.If(wanted):
                m.d.sync += self._kept_data.word_select(read[:2], 8).eq(o.payload.data)
            with m.If((wanted & read[:2].all()) | o.payload.last):
                m.next = "PULLED"

"""The host link: byte frames on one side, the core's memories and its run strobe on the other."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from . import frames
from .delay import delayed
from .frames import Command, Status
from .hostbus import HostBus
from .states import States

_STATES = (
    "IDLE", "HEADER", "SETTLE", "CRC", "DECIDE", "DATA", "SKIP", "ACT", "RUNNING", "REPLY", "PAYLOAD",
    "SETTLE_REPLY", "CRC_REPLY",
)  # fmt: skip

SLOW_BITS = 2
"""Bits a cycle of a slow link's CRC."""


class Link(wiring.Component):
    """Answers one request frame at a time (see ``frames``); idle between them.

    Nothing is done before the header's CRC is good: no byte of a WRITE goes anywhere but to the address that
    the host meant. Its data go to the bus as they arrive; if their CRC then turns out bad, the reply says so
    and the host writes again.

    A byte outside a frame that is not ``REQUEST`` is skipped. Behind a bad CRC or an unknown command nobody
    knows where the next frame begins, so everything is skipped until the line has been silent for ``timeout``
    cycles; then the error is answered. A frame that stalls for as long is answered with CUT. So a host that
    waits for a reply, or for more than ``timeout``, before it sends again always gets through.

    Every reply carries the mark, which MARK sets and a reset clears: a host that sees its own knows that the
    device has not been reset since. MARK's own reply carries the mark of before. RUN is refused where there
    is no mark, and runs once for each WRITE: a RUN that is sent again, as its reply was lost, is answered
    with the end of the run that there was.

    With ``boots`` the bytes after a reset are those of a flash: the design's identity, then requests, which
    nobody gets an answer to. ``booting`` falls, and the link answers, behind the MARK that ends the loading,
    or at the first thing that is wrong: another identity, a bad CRC, a byte that is no ``REQUEST`` between
    two frames, or ``timeout`` cycles without a byte. Then there is no mark, or the one of the loading.

    A byte takes one cycle (one of the flash's identity two), one of the answers to IDENTIFY, STATE and RUN
    two, and a frame about 15 more. With ``slow`` the CRC takes ``SLOW_BITS`` of a byte's bits a cycle, which
    needs less logic: then a byte takes ``8 // SLOW_BITS + 2`` cycles, far less than a UART does.
    What leaves for ``o`` and ``bus`` is registered; one register holds the byte that passes, whichever way.

    Parameters
    ----------
    identity : 16 bytes, as 32 hex digits, that IDENTIFY answers.
    timeout : cycles without a byte, in the middle of a request, after which it is dropped.
    slow : whether a byte may take more than a cycle.
    boots : whether a flash is read after a reset.

    Members
    -------
    i : In(stream of 8), bytes from the host.
    o : Out(stream of 8), bytes to the host.
    bus : Out(HostBus).
    booting : Out(1), high as long as ``i`` has to bring what the flash holds.

    Raises
    ------
    ValueError : ``identity`` is not 32 hex digits, or ``timeout`` is below 2.
    """

    def __init__(
        self, identity: str, timeout: int = 2**20, slow: bool = False, *, boots: bool = False
    ) -> None:
        try:
            self._identity = bytes.fromhex(identity)
        except ValueError:
            self._identity = b""
        if len(self._identity) != frames.IDENTITY_BYTES or len(identity) != 2 * frames.IDENTITY_BYTES:
            raise ValueError(f"identity must be 32 hex digits, not {identity!r}")
        if timeout < 2:
            raise ValueError(f"timeout must be at least 2 cycles, not {timeout!r}")
        self._timeout = timeout
        self._slow = slow
        self._boots = boots
        super().__init__({
            "i": In(stream.Signature(8)),
            "o": Out(stream.Signature(8)),
            "bus": Out(HostBus()),
            "booting": Out(1, init=boots),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._command = Signal(Command, reset_less=True)
        self._known = Signal(reset_less=True)
        self._status = Signal(Status)
        self._sequence = Signal(8, reset_less=True)
        self._length = Signal(16, reset_less=True)  # bytes left of the data or of the reply's payload
        self._falls, self._sets, self._set = Signal(), Signal(2), Signal(16)  # what happens to it
        falls, less = self._falls, self._length - 1
        if self._slow:
            # it has time for it; choice and sum are a cell a bit of an iCE40, as both go by one signal
            falls = delayed(m, falls, 1, "falls")
            less = self._length + falls.replicate(16)
        for half, part in enumerate((slice(8), slice(8, 16))):
            with m.If(falls | self._sets[half]):
                m.d.sync += self._length[part].eq(Mux(falls, less, self._set)[part])
        self._argument = Signal(24, reset_less=True)
        self._index = Signal(4)
        self._clears, self._steps = Signal(), Signal()  # what happens to it
        self._acts = Signal()  # the reply has not begun
        with m.If(self._clears):
            m.d.sync += self._index.eq(0)
        with m.Elif(self._steps):
            m.d.sync += self._index.eq(self._index + 1)
        self._has_data = Signal()  # whether the CRC that comes is that of the data
        self._mark = Signal(16)
        self._written = Signal()  # since the last run
        self._answer = Signal(8, reset_less=True)  # a byte of the identity or of the state, by ``index``
        self._byte, self._offers = Signal(8), Signal()  # what to send, and whether there is something
        # Whether fewer than four bytes are left, a cycle late: one leaves in a cycle, so it is known in time.
        few = Signal()
        m.d.sync += few.eq(self._length[2:] == 0)
        self._none_left, self._one_left = (few & (self._length[:2] == left) for left in (0, 1))
        m.d.comb += [
            self.bus.address.eq(self._argument),
            self.bus.run_pc.eq(self._argument[:16]),
            self.bus.run_break.eq(self._argument[frames.BREAKS.bit_length() - 1]),
        ]
        for strobe in (self.bus.start_write, self.bus.start_read, self.bus.run):
            m.d.sync += strobe.eq(0)
        self._checksum(m)
        self._timer(m)
        self._count_errors(m)
        self._states = States(m, ("BOOT", *_STATES) if self._boots else _STATES)
        if self._boots:
            self._boot(m)
        self._request(m)
        self._act(m)
        self._reply(m)
        self._states.finish()
        return m

    def _checksum(self, m: Module) -> None:
        """The CRC over the bytes that pass while ``covered``."""
        self._covered = Signal()
        self._restart = Signal()
        passing, passes = Signal(8), Signal()  # the byte that stands before ``o`` and ``bus.w``, and the CRC
        asked, self._sent = Signal(), Signal()
        self._free, crc = (self._slow_crc if self._slow else self._crc)(m, passing, passes, asked)
        self._taken = (~self.o.valid | self.o.ready) & self._free
        self._stored = (~self.bus.w.valid | self.bus.w.ready) & self._free
        received = self.i.valid & self.i.ready
        m.d.comb += self._sent.eq(self._offers & self._taken)
        m.d.comb += [self.o.payload.eq(passing), self.bus.w.payload.eq(passing)]
        m.d.comb += asked.eq(self._covered & (received | self._sent))
        m.d.sync += passes.eq(asked)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(self._taken):
            m.d.sync += self.o.valid.eq(self._offers & ~self.booting)
        with m.If(self.bus.w.ready):
            m.d.sync += self.bus.w.valid.eq(0)
        with m.If(self._taken & self._stored):
            m.d.sync += passing.eq(Mux(self._offers, self._byte, Value.cast(self.i.payload)))
        self._crc_byte = delayed(m, crc.word_select(self._index[:2], 8), 1, "crc_byte")
        self._passing = passing

    def _crc(self, m: Module, byte: Value, valid: Value, asked: Value) -> tuple[Value, Value]:
        """Whether the next byte may come, always, and the CRC a cycle behind a ``valid`` byte. ``asked`` is
        ``valid``, a cycle ahead.
        """
        m.submodules.crc = crc = frames.CRC(data_width=8).create()
        m.d.comb += [crc.start.eq(self._restart), crc.data.eq(byte), crc.valid.eq(valid)]
        return Const(1), crc.crc

    def _slow_crc(self, m: Module, byte: Value, valid: Value, asked: Value) -> tuple[Value, Value]:
        """Whether the next byte may come, and the CRC, which is right then; see ``_crc``."""
        m.submodules.crc = crc = frames.CRC(data_width=SLOW_BITS).create()
        bits, left = Signal(8, reset_less=True), Signal(8 // SLOW_BITS)
        m.d.comb += [
            crc.start.eq(self._restart), crc.data.eq(bits[:SLOW_BITS]), crc.valid.eq(left[0]),
        ]  # fmt: skip
        with m.If(valid):
            m.d.sync += [bits.eq(byte), left.eq(~0)]
        with m.Else():
            m.d.sync += [bits.eq(bits >> SLOW_BITS), left.eq(left >> 1)]
        free = Signal(init=1)
        # a cycle behind each byte that is sent, and before the first, what is to be sent is chosen
        m.d.sync += free.eq(~(asked | valid | left[1] | self._sent | self._acts))
        return free, crc.crc

    def _timer(self, m: Module) -> None:
        """Counts the cycles that a request is waited for; ``expired`` drops it."""
        self._waiting = Signal()
        timer = Signal((self._timeout - 1).bit_length() + 1, init=self._timeout - 1)
        self._expired = timer[-1]
        with m.If(self._waiting & ~self.i.valid):
            m.d.sync += timer.eq(timer - 1)
        with m.Else():
            m.d.sync += timer.eq(self._timeout - 1)

    def _count_errors(self, m: Module) -> None:
        """Frames with a wrong CRC, and frames that did not go on; each count wraps."""
        self._broken, self._cut = Signal(8), Signal(8)
        self._is_broken, self._is_cut = Signal(), Signal()
        for happens, count in ((self._is_broken, self._broken), (self._is_cut, self._cut)):
            with m.If(happens):
                m.d.sync += count.eq(count + 1)

    def _receive(self, m: Module) -> Value:
        """Wait for a byte of the request: whether it is here."""
        m.d.comb += [self.i.ready.eq(self._free), self._waiting.eq(1)]
        with m.If(self._expired):
            m.d.comb += self._is_cut.eq(1)
            m.d.sync += self._status.eq(Status.CUT)
            self._states.go("ACT")
        return self.i.valid & self._free

    def _boot(self, m: Module) -> None:
        """The flash's first bytes; and, between its frames, whether there is nothing more to take."""
        with self._states.within("BOOT"):
            arrives = self._receive(m)
            m.d.comb += self._steps.eq(arrives)
            with m.If(arrives):
                with m.If(self._index == frames.IDENTITY_BYTES - 1):
                    self._states.go("IDLE")
                with m.If(self.i.payload != self._answer):
                    m.d.sync += self._status.eq(Status.BROKEN)
                    self._states.go("IDLE")
        with self._states.within("IDLE"):
            m.d.comb += self._waiting.eq(1)
            loaded = self._mark.any() & (self._mark < frames.LOADING)
            strays = self.i.valid & (self.i.payload != frames.REQUEST)
            with m.If(loaded | strays | self._expired | (self._status != Status.OK)):
                m.d.sync += self.booting.eq(0)

    def _request(self, m: Module) -> None:
        """From the first byte to the last CRC."""
        payload, index = self.i.payload, self._index
        wrong, checks = Signal(), Signal()  # a byte of a CRC; whether one came in the cycle before
        m.d.sync += checks.eq(0)
        with m.If(checks & (self._passing != self._crc_byte)):
            m.d.sync += wrong.eq(1)
        with self._states.within("IDLE"):
            m.d.comb += [self.i.ready.eq(self._taken), self._restart.eq(1), self._clears.eq(1)]
            m.d.sync += [self._status.eq(Status.OK), self._has_data.eq(0), wrong.eq(0)]
            with m.If(self._taken & self.i.valid & (payload == frames.REQUEST)):
                self._states.go("HEADER")

        with self._states.within("HEADER"):
            arrives = self._receive(m)
            m.d.comb += [self._covered.eq(1), self._steps.eq(arrives), self._set.eq(payload.replicate(2))]
            with m.If(arrives):
                argument = self._argument
                parts = (
                    (0, self._command), (1, self._sequence),
                    (4, argument[:8]), (5, argument[8:16]), (6, argument[16:]),
                )  # fmt: skip
                with m.Switch(index[:3]):
                    for position, part in parts:
                        with m.Case(position):
                            m.d.sync += part.eq(payload)
                m.d.comb += self._sets.eq(Cat(index[:3] == 2, index[:3] == 3))
                with m.If(index[:3] == 0):
                    m.d.sync += self._known.eq((payload <= max(Command)) & payload.any())
                with m.If(index == frames.HEADER_BYTES - 1):
                    self._states.go("SETTLE")

        with self._states.within("SETTLE"):  # the CRC takes the last byte
            m.d.comb += self._clears.eq(1)
            with m.If(self._stored):
                self._states.go("CRC")

        with self._states.within("CRC"):
            arrives = self._receive(m)
            m.d.comb += self._steps.eq(arrives)
            with m.If(arrives):
                m.d.sync += checks.eq(1)
                with m.If(index == frames.CRC_BYTES - 1):
                    self._states.go("DECIDE")

        with self._states.within("DECIDE"), m.If(~checks):
            self._states.go("ACT")
            with m.If(wrong):
                m.d.comb += self._is_broken.eq(1)
                m.d.sync += self._status.eq(Status.BROKEN)
                self._states.go("SKIP")
            with m.Elif((self._command == Command.WRITE) & ~self._has_data):
                m.d.sync += [self.bus.start_write.eq(1), self._has_data.eq(1)]
                self._states.go("DATA")
                with m.If(self._none_left):
                    self._states.go("SETTLE")
            with m.Elif(~self._known):
                m.d.sync += self._status.eq(Status.UNKNOWN_COMMAND)
                self._states.go("SKIP")

        with self._states.within("DATA"):
            m.d.comb += self._covered.eq(1)
            arrived = self._receive(m)
            m.d.comb += self.i.ready.eq(self._stored)
            with m.If(arrived & self._stored):
                m.d.comb += self._falls.eq(1)
                m.d.sync += self.bus.w.valid.eq(1)
                with m.If(self._one_left):
                    self._states.go("SETTLE")

        with self._states.within("SKIP"):
            m.d.comb += [self.i.ready.eq(1), self._waiting.eq(1)]
            with m.If(self._expired | self.booting):
                self._states.go("ACT")

    def _act(self, m: Module) -> None:
        """Do what was asked for; ``length`` becomes that of the reply's payload."""
        with self._states.within("ACT"), m.If(self.bus.w.ready):
            m.d.comb += [self._restart.eq(1), self._clears.eq(1), self._acts.eq(1)]
            self._states.go("REPLY")
            fine = self._status == Status.OK
            m.d.comb += self._sets.eq(Mux(fine & (self._command == Command.READ), 0, ~0))
            with m.If(fine):
                with m.Switch(self._command):
                    with m.Case(Command.IDENTIFY):
                        m.d.comb += self._set.eq(frames.IDENTITY_BYTES)
                    with m.Case(Command.READ):
                        m.d.sync += self.bus.start_read.eq(1)
                    with m.Case(Command.STATE):
                        m.d.comb += self._set.eq(frames.STATE_BYTES)
                    with m.Case(Command.RUN):
                        m.d.comb += self._set.eq(Mux(self._mark.any(), frames.STATE_BYTES, 0))
                        m.d.sync += [
                            self._written.eq(0), self.bus.run.eq(self._written & self._mark.any()),
                        ]  # fmt: skip
                        self._states.go("RUNNING")
                        with m.If(~self._mark.any()):
                            m.d.sync += self._status.eq(Status.UNMARKED)
                            self._states.go("REPLY")
                    with m.Case(Command.WRITE):
                        m.d.sync += self._written.eq(1)
        with self._states.within("RUNNING"):
            m.d.comb += self._acts.eq(1)
            with m.If(~self.bus.run & ~self.bus.busy):
                self._states.go("REPLY")

    def _reply(self, m: Module) -> None:
        """Header, payload, CRC."""
        index, length, bus = self._index, self._length, self.bus
        settled, reads = Signal(), Signal()
        state = Cat(bus.cycles, bus.pc, self._broken, self._cut)
        identity = Const(int.from_bytes(self._identity, "little"), 8 * frames.IDENTITY_BYTES)
        identifies = (self._command == Command.IDENTIFY) | self.booting
        m.d.sync += [
            self._answer.eq(Mux(identifies, identity.word_select(index, 8), state.word_select(index[:3], 8))),
            settled.eq(~self._sent),  # ``_answer`` and ``crc_byte`` belong to this ``index``
            reads.eq(self._command == Command.READ),
        ]
        header = (
            frames.REPLY,
            self._status,
            self._sequence,
            self._mark[:8],
            self._mark[8:],
            length[:8],
            length[8:],
        )
        head = Signal(8)
        with m.Switch(index[:3]):
            for position, value in enumerate(header):
                with m.Case(position):
                    m.d.comb += head.eq(value)
        last = index == frames.REPLY_HEADER_BYTES - 1
        with self._states.within("REPLY"):
            m.d.comb += [
                self._offers.eq(1), self._covered.eq(index != 0),
                self._steps.eq(self._taken), self._clears.eq(self._taken & last),
            ]  # fmt: skip
            m.d.comb += self._byte.eq(delayed(m, head, int(self._slow), "head"))
            with m.If(self._taken & last):
                self._states.go("PAYLOAD")
                with m.If(self._none_left):
                    self._states.go("SETTLE_REPLY")

        with self._states.within("PAYLOAD"):
            there = Mux(reads, bus.r.valid, settled)
            m.d.comb += [
                self._covered.eq(1),
                self._offers.eq(there),
                self._steps.eq(there & self._taken),
                self._byte.eq(Mux(reads, bus.r.payload, self._answer)),
                bus.r.ready.eq(reads & self._taken),
            ]
            with m.If(there & self._taken):
                m.d.comb += self._falls.eq(1)
                with m.If(self._one_left):
                    self._states.go("SETTLE_REPLY")

        with self._states.within("SETTLE_REPLY"):
            m.d.comb += self._clears.eq(1)
            with m.If(self._free & settled):
                self._states.go("CRC_REPLY")

        with self._states.within("CRC_REPLY"):
            m.d.comb += [
                self._byte.eq(self._crc_byte), self._offers.eq(settled), self._steps.eq(self._sent),
            ]  # fmt: skip
            with m.If(self._sent & (index == frames.CRC_BYTES - 1)):
                self._states.go("IDLE")
                with m.If((self._command == Command.MARK) & (self._status == Status.OK)):
                    m.d.sync += self._mark.eq(self._argument)

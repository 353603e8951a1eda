"""The host link: byte frames on one side, the core's memories and its run strobe on the other."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from . import frames
from .frames import Command, Status
from .hostbus import HostBus


class Link(wiring.Component):
    """Answers one request frame at a time (see ``frames``); idle between them.

    A byte outside a frame that is not ``REQUEST`` is skipped. A frame that stalls for ``timeout``
    cycles is dropped without a reply, so a host that resends after a silence always gets through.
    The data of WRITE go to the bus as they arrive; if the CRC then turns out bad, the reply says so and
    the host writes again. READ and RUN act only after a good CRC.

    A byte takes one cycle, one of the answers to IDENTIFY and RUN two, and a frame about ten more: two
    pauses for the CRC, two to check the length, one each to start the transfer and to decide. What leaves
    for ``o`` and ``bus`` is registered, with one register for the byte that passes, whichever way.

    Parameters
    ----------
    identity : 16 bytes, as 32 hex digits, that IDENTIFY answers.
    timeout : cycles without a byte, in the middle of a request, after which it is dropped.

    Members
    -------
    i : In(stream of 8), bytes from the host.
    o : Out(stream of 8), bytes to the host.
    bus : Out(HostBus).

    Raises
    ------
    ValueError : ``identity`` is not 32 hex digits, or ``timeout`` is below 2.
    """

    def __init__(self, identity: str, timeout: int = 2**20) -> None:
        try:
            self._identity = bytes.fromhex(identity)
        except ValueError:
            self._identity = b""
        if len(self._identity) != frames.IDENTITY_BYTES or len(identity) != 2 * frames.IDENTITY_BYTES:
            raise ValueError(f"identity must be 32 hex digits, not {identity!r}")
        if timeout < 2:
            raise ValueError(f"timeout must be at least 2 cycles, not {timeout!r}")
        self._timeout = timeout
        super().__init__({
            "i": In(stream.Signature(8)),
            "o": Out(stream.Signature(8)),
            "bus": Out(HostBus()),
        })

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self._command = Signal(8, reset_less=True)
        self._status = Signal(Status)
        self._sequence = Signal(8, reset_less=True)
        self._length = Signal(16, reset_less=True)  # bytes left of the payload; READ's count
        self._argument = Signal(24, reset_less=True)  # address, or pc and flags
        self._index = Signal(4)
        self._byte, self._offers = Signal(8), Signal()  # what to send, and whether there is something
        # Whether fewer than four bytes are left, a cycle late: one leaves in a cycle, so it is known in time.
        few = Signal()
        m.d.sync += few.eq(self._length[2:] == 0)
        self._none_left, self._one_left = (few & (self._length[:2] == left) for left in (0, 1))
        m.d.comb += [
            self.bus.address.eq(self._argument),
            self.bus.run_pc.eq(self._argument[:16]),
            self.bus.run_break.eq(self._argument[16]),
        ]
        for strobe in (self.bus.start_write, self.bus.start_read, self.bus.run):
            m.d.sync += strobe.eq(0)
        self._checksum(m)
        self._timer(m)
        with m.FSM():
            self._request(m)
            self._act(m)
            self._reply(m)
        return m

    def _checksum(self, m: Module) -> None:
        """The CRC over the bytes that pass while ``covered``; a request and its reply share it."""
        m.submodules.crc = crc = frames.CRC(data_width=8).create()
        self._crc = crc.crc
        self._covered = Signal()
        self._restart = Signal()
        m.d.comb += crc.start.eq(self._restart)
        passing = crc.data  # also the byte that stands before ``o`` and ``bus.w``
        self._taken = ~self.o.valid | self.o.ready
        self._written = ~self.bus.w.valid | self.bus.w.ready
        received, self._sent = self.i.valid & self.i.ready, self._offers & self._taken
        m.d.sync += crc.valid.eq(self._covered & (received | self._sent))
        with m.If(self._taken):
            m.d.sync += self.o.valid.eq(self._offers)
        with m.If(self._written):
            m.d.sync += self.bus.w.valid.eq(0)
        with m.If(self._taken & self._written):
            m.d.sync += passing.eq(Mux(self._offers, self._byte, Value.cast(self.i.payload)))
        m.d.comb += [self.o.payload.eq(passing), self.bus.w.payload.eq(passing)]

    def _timer(self, m: Module) -> None:
        """Counts the cycles that a request is waited for; ``expired`` drops it."""
        self._waiting = Signal()
        timer = Signal((self._timeout - 1).bit_length() + 1)
        self._expired = timer[-1]
        with m.If(self._waiting & ~self.i.valid):
            m.d.sync += timer.eq(timer - 1)
        with m.Else():
            m.d.sync += timer.eq(self._timeout - 1)

    def _receive(self, m: Module) -> Value:
        """Wait for a byte of the request: whether it is here."""
        m.d.comb += [self.i.ready.eq(1), self._waiting.eq(1)]
        with m.If(self._expired):
            m.next = "IDLE"
        return self.i.valid

    def _request(self, m: Module) -> None:
        """From the first byte to the CRC; ``status`` and the arguments are then known."""
        payload, index, length = self.i.payload, self._index, self._length
        wrong = Signal()  # a byte of the CRC
        with m.State("IDLE"):
            m.d.comb += [self.i.ready.eq(self._taken), self._restart.eq(1)]
            m.d.sync += [index.eq(0), wrong.eq(0)]
            with m.If(self._taken & self.i.valid & (payload == frames.REQUEST)):
                m.next = "HEADER"

        with m.State("HEADER"):
            m.d.comb += self._covered.eq(1)
            with m.If(self._receive(m)):
                m.d.sync += index.eq(index + 1)
                with m.Switch(index[:2]):
                    with m.Case(0):
                        m.d.sync += self._command.eq(payload)
                    with m.Case(1):
                        m.d.sync += self._sequence.eq(payload)
                    with m.Case(2):
                        m.d.sync += length[:8].eq(payload)
                    with m.Case(3):
                        m.d.sync += length[8:].eq(payload)
                        m.next = "CHECK"

        self._check(m)

        with m.State("ARGUMENTS"):
            m.d.comb += self._covered.eq(1)
            with m.If(self._receive(m)):
                m.d.sync += index.eq(index + 1)
                with m.If(~index[2]):
                    m.d.sync += length.eq(length - 1)
                for position, part in enumerate((
                    self._argument[:8],
                    self._argument[8:16],
                    self._argument[16:],
                    None,
                    length[:8],
                    length[8:],
                )):
                    if part is not None:
                        with m.If(index[:3] == position):
                            m.d.sync += part.eq(payload)
                with m.Switch(Cat(self._command[:2], index[:3])):
                    for command, count, then in (
                        (Command.WRITE, frames.ADDRESS_BYTES, "START_WRITE"),
                        (Command.READ, frames.READ_BYTES, "SETTLE"),
                        (Command.RUN & 3, frames.RUN_BYTES, "SETTLE"),
                    ):
                        with m.Case(command | (count - 1) << 2):
                            m.next = then

        with m.State("START_WRITE"):
            m.d.sync += self.bus.start_write.eq(1)
            m.next = "BODY"
            with m.If(self._none_left):
                m.next = "SETTLE"

        with m.State("BODY"):  # of WRITE, or of a request that is refused
            accepted = self._status == Status.OK
            m.d.comb += self._covered.eq(1)
            arrived = self._receive(m)
            m.d.comb += self.i.ready.eq(self._written)
            with m.If(arrived & self._written):
                m.d.sync += [length.eq(length - 1), self.bus.w.valid.eq(accepted)]
                with m.If(self._one_left):
                    m.next = "SETTLE"

        with m.State("SETTLE"):  # the CRC takes a byte in the cycle after it has passed
            with m.If(self._written):
                m.next = "CRC_LOW"
        for state, part, then in (("CRC_LOW", 0, "CRC_HIGH"), ("CRC_HIGH", 1, "JUDGE")):
            with m.State(state):
                with m.If(self._receive(m)):
                    m.d.sync += wrong.eq(wrong | (payload != self._crc.word_select(part, 8)))
                    m.next = then
        with m.State("JUDGE"):
            with m.If(wrong):
                m.d.sync += self._status.eq(Status.BAD_CRC)
            m.next = "ACT"

    def _check(self, m: Module) -> None:
        """Whether the command exists and its payload's length fits."""
        length = self._length
        short = length[3:] == 0
        known, fits = Signal(), Signal()
        with m.State("CHECK"):
            m.d.sync += known.eq((self._command >= Command.IDENTIFY) & (self._command <= Command.RUN))
            with m.Switch(self._command[:3]):
                with m.Case(Command.IDENTIFY):
                    m.d.sync += fits.eq(short & (length[:3] == 0))
                with m.Case(Command.WRITE):
                    m.d.sync += fits.eq(length >= frames.ADDRESS_BYTES)
                with m.Case(Command.READ):
                    m.d.sync += fits.eq(short & (length[:3] == frames.READ_BYTES))
                with m.Case(Command.RUN):
                    m.d.sync += fits.eq(short & (length[:3] == frames.RUN_BYTES))
            m.next = "ANSWER"
        with m.State("ANSWER"):
            m.d.sync += [self._index.eq(0), self._status.eq(Status.OK)]
            m.next = "ARGUMENTS"
            with m.If(self._command[:3] == Command.IDENTIFY):
                m.next = "SETTLE"
            with m.If(~known | ~fits):
                m.d.sync += self._status.eq(Mux(known, Status.BAD_LENGTH, Status.UNKNOWN_COMMAND))
                m.next = "BODY"
                with m.If(self._none_left):
                    m.next = "SETTLE"

    def _act(self, m: Module) -> None:
        """Start what was asked for; ``length`` becomes that of the reply's payload."""
        length = self._length
        with m.State("ACT"), m.If(self.bus.w.ready):
            m.d.comb += self._restart.eq(1)
            m.d.sync += self._index.eq(0)
            m.next = "REPLY"
            with m.If(self._status != Status.OK):
                m.d.sync += length.eq(0)
            with m.Else():
                with m.Switch(self._command[:2]):
                    with m.Case(Command.IDENTIFY):
                        m.d.sync += length.eq(frames.IDENTITY_BYTES)
                    with m.Case(Command.READ):
                        m.d.sync += self.bus.start_read.eq(1)
                    with m.Case(Command.RUN & 3):
                        m.d.sync += length.eq(frames.RUN_REPLY_BYTES)
                        m.d.sync += self.bus.run.eq(1)
                        m.next = "RUNNING"
        with m.State("RUNNING"):
            with m.If(~self.bus.run & ~self.bus.busy):
                m.next = "REPLY"

    def _reply(self, m: Module) -> None:
        """Header, payload, CRC."""
        index, length, bus = self._index, self._length, self.bus
        reads, answer, settled = Signal(), Signal(8, reset_less=True), Signal()
        identity = Const(int.from_bytes(self._identity, "little"), 8 * frames.IDENTITY_BYTES)
        result = Cat(bus.cycles, bus.pc)
        m.d.sync += [
            reads.eq(self._command[:2] == Command.READ),
            answer.eq(
                Mux(
                    self._command[:2] == Command.IDENTIFY,
                    identity.word_select(index, 8),
                    result.word_select(index[:3], 8),
                )
            ),
            settled.eq(~self._sent),  # ``answer`` belongs to this ``index``
        ]
        with m.State("REPLY"):
            m.d.comb += [self._offers.eq(1), self._covered.eq(index != 0)]
            with m.Switch(index[:3]):
                for position, value in enumerate((
                    frames.REPLY,
                    self._status,
                    self._sequence,
                    length[:8],
                    length[8:],
                )):
                    with m.Case(position):
                        m.d.comb += self._byte.eq(value)
            with m.If(self._taken):
                m.d.sync += index.eq(index + 1)
                with m.If(index == 4):
                    m.d.sync += index.eq(0)
                    m.next = "PAYLOAD"
                    with m.If(self._none_left):
                        m.next = "SETTLE_REPLY"

        with m.State("PAYLOAD"):
            m.d.comb += [
                self._covered.eq(1),
                self._offers.eq(Mux(reads, bus.r.valid, settled)),
                self._byte.eq(Mux(reads, bus.r.payload, answer)),
                bus.r.ready.eq(reads & self._taken),
            ]
            with m.If(self._sent):
                m.d.sync += [index.eq(index + 1), length.eq(length - 1)]
                with m.If(self._one_left):
                    m.next = "SETTLE_REPLY"

        with m.State("SETTLE_REPLY"):
            m.next = "CRC_LOW_REPLY"
        for state, part, then in (("CRC_LOW_REPLY", 0, "CRC_HIGH_REPLY"), ("CRC_HIGH_REPLY", 1, "IDLE")):
            with m.State(state):
                m.d.comb += [self._byte.eq(self._crc.word_select(part, 8)), self._offers.eq(1)]
                with m.If(self._taken):
                    m.next = then

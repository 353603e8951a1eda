"""A UART, eight data bits, no parity, one stop bit."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out, connect, flipped

LEAST_DIVISOR = 8
"""Below it the filter's three samples are too much of a bit."""


class UartReceiver(wiring.Component):
    """Bits to bytes.

    ``rx`` passes a synchroniser and a majority vote of three cycles; each bit is sampled in its
    middle. A byte without its stop bit is dropped. A byte that ``o`` does not take before the next
    one is complete is overwritten: there is no flow control on the wire.

    Parameters
    ----------
    divisor : clock cycles a bit, at least 8.

    Members
    -------
    rx : In(1), the line, high when idle.
    fast : In(1), high while a bit has ``LEAST_DIVISOR`` cycles instead.
    o : Out(stream of 8), bytes received.
    """

    rx: In(1, init=1)
    fast: In(1)
    o: Out(stream.Signature(8))

    def __init__(self, divisor: int) -> None:
        self._divisor = _checked(divisor)
        super().__init__()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        line, level = Signal(init=1), Signal(init=1)
        m.submodules.synchroniser = FFSynchronizer(self.rx, line, init=1)
        history = Signal(2, init=3)
        m.d.sync += [
            history.eq(Cat(line, history[:1])),
            level.eq((line & history[0]) | (line & history[1]) | (history[0] & history[1])),
        ]
        wait = Signal(range(self._divisor + self._divisor // 2))
        divisor = Mux(self.fast, LEAST_DIVISOR - 1, self._divisor - 1)
        half_more = Mux(self.fast, *(each + each // 2 - 2 for each in (LEAST_DIVISOR, self._divisor)))
        bits = Signal(8)
        left = Signal(range(10))
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(left == 0):
            m.d.sync += wait.eq(half_more)
            with m.If(~level):
                m.d.sync += left.eq(9)
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.Else():
            m.d.sync += [wait.eq(divisor), left.eq(left - 1), bits.eq(Cat(bits[1:], level))]
            with m.If((left == 1) & level):
                m.d.sync += [self.o.payload.eq(bits), self.o.valid.eq(1)]
        return m


class UartTransmitter(wiring.Component):
    """Bytes to bits; a byte every ten bit times.

    Parameters
    ----------
    divisor : clock cycles a bit, at least 8.

    Members
    -------
    tx : Out(1), the line, high when idle.
    i : In(stream of 8), bytes to send.
    """

    tx: Out(1, init=1)
    i: In(stream.Signature(8))

    def __init__(self, divisor: int) -> None:
        self._divisor = _checked(divisor)
        super().__init__()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        wait = Signal(range(self._divisor))
        shift = Signal(9, init=0x1FF)
        left = Signal(range(11))
        idle = Signal(init=1)  # left == 0, without delay for the sender
        m.d.comb += self.i.ready.eq(idle)
        m.d.sync += self.tx.eq(shift[0])
        with m.If(idle):
            m.d.sync += [wait.eq(self._divisor - 1), shift.eq(Cat(Const(0, 1), self.i.payload)), left.eq(10)]
            with m.If(self.i.valid):
                m.d.sync += idle.eq(0)
            with m.Else():
                m.d.sync += shift[0].eq(1)
        with m.Elif(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.Else():
            m.d.sync += [wait.eq(self._divisor - 1), shift.eq(Cat(shift[1:], Const(1, 1))), left.eq(left - 1)]
            m.d.sync += idle.eq(left == 1)
        return m


class Uart(wiring.Component):
    """A receiver and a transmitter.

    Members
    -------
    rx : In(1). tx : Out(1). fast : In(1), the receiver's.
    i : In(stream of 8), bytes to send. o : Out(stream of 8), bytes received.
    """

    rx: In(1, init=1)
    tx: Out(1, init=1)
    fast: In(1)
    i: In(stream.Signature(8))
    o: Out(stream.Signature(8))

    def __init__(self, divisor: int) -> None:
        self._divisor = _checked(divisor)
        super().__init__()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.receiver = receiver = UartReceiver(self._divisor)
        m.submodules.transmitter = transmitter = UartTransmitter(self._divisor)
        m.d.comb += [receiver.rx.eq(self.rx), receiver.fast.eq(self.fast), self.tx.eq(transmitter.tx)]
        connect(m, receiver.o, flipped(self.o))
        connect(m, flipped(self.i), transmitter.i)
        return m


def _checked(divisor: int) -> int:
    if divisor < LEAST_DIVISOR:
        raise ValueError(f"divisor must be at least {LEAST_DIVISOR}, not {divisor!r}")
    return divisor

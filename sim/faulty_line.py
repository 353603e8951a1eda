"""A line that spoils what passes over it, to try the link and the host driver with."""

from __future__ import annotations

import enum
import random
from collections.abc import Callable, Sequence

from tfl2hw.rtl_templates.frames import Command
from tfl2hw.runtime import protocol
from tfl2hw.runtime.transport import Transport

LONGEST_NOISE = 40

WHOLE_REPLY = 1 << 16
"""More bytes than any reply has."""

INTRUDERS = (Command.IDENTIFY, Command.STATE, Command.READ)


class Fault(enum.Enum):
    """What happens to a request, to its reply, or to the device."""

    FLIP = "a bit flipped"
    LOSE = "a byte lost"
    INSERT = "a byte too many"
    CUT = "the rest lost"
    DROP = "all of it lost"
    DOUBLE = "sent twice"
    NOISE = "noise before it"
    REPLY_FLIP = "reply: a bit flipped"
    REPLY_LOSE = "reply: a byte lost"
    REPLY_INSERT = "reply: a byte too many"
    REPLY_CUT = "reply: the rest lost"
    REPLY_DROP = "reply: all of it lost"
    REPLY_DOUBLE = "reply: sent twice"
    REPLY_NOISE = "reply: noise before it"
    INTRUDER = "another's request behind it"
    RESET_BEFORE = "reset before it"
    RESET_WITHIN = "reset within it"
    RESET_BEHIND = "reset behind it"


class FaultyLine:
    """A transport that lets one fault happen when it is told to.

    Parameters
    ----------
    line : the way to the device.
    reset : resets the device.
    lost : addresses and bytes that stand in the device's memory after a reset, in place of what was there.
    quiet : seconds of silence on ``line`` that tell that a reply is over; longer than a run.
    generator : chooses where the fault strikes.
    """

    def __init__(
        self,
        line: Transport,
        *,
        reset: Callable[[], None],
        lost: Sequence[tuple[int, bytes]],
        quiet: float,
        generator: random.Random,
    ) -> None:
        self._line = line
        self._reset_device = reset
        self._lost = tuple(lost)
        self._quiet = quiet
        self._random = generator
        self._fault: Fault | None = None
        self._wait = 0
        self._arrived = b""

    @property
    def armed(self) -> bool:
        """Whether a fault is still to come."""
        return self._fault is not None

    def arm(self, fault: Fault, wait: int) -> None:
        """Let ``fault`` happen to the request that ``wait`` others precede."""
        self._fault, self._wait = fault, wait

    def write(self, data: bytes) -> None:
        """Send ``data``, a whole request, or what the fault makes of it."""
        fault, self._wait = self._fault, self._wait - 1
        if fault is None or self._wait >= 0:
            self._line.write(data)
            return
        self._fault = None
        name = fault.name.removeprefix("REPLY_")
        if name != fault.name:
            self._line.write(data)
            self._arrived += self._spoilt(name, self._line.read(WHOLE_REPLY, self._quiet))
        elif fault is Fault.INTRUDER:
            intruder = self._random.choice(INTRUDERS)
            self._line.write(data + protocol.request(intruder, self._random.randrange(256), 0, 4))
        elif name.startswith("RESET"):
            self._reset(fault, data)
        else:
            self._line.write(self._spoilt(name, data))

    def read(self, count: int, timeout: float) -> bytes:
        """As any transport's."""
        data, self._arrived = self._arrived[:count], self._arrived[count:]
        return data if len(data) == count else data + self._line.read(count - len(data), timeout)

    def discard(self) -> None:
        """Forget bytes that have arrived and were not read."""
        self._arrived = b""
        self._line.discard()

    def close(self) -> None:
        """Close the line."""
        self._line.close()

    def _spoilt(self, name: str, data: bytes) -> bytes:
        at = self._random.randrange(len(data))
        if name == "FLIP":
            return data[:at] + bytes([data[at] ^ 1 << self._random.randrange(8)]) + data[at + 1 :]
        if name == "LOSE":
            return data[:at] + data[at + 1 :]
        if name == "INSERT":
            return data[:at] + self._random.randbytes(1) + data[at:]
        if name == "CUT":
            return data[:at]
        if name == "DROP":
            return b""
        if name == "DOUBLE":
            return data + data
        return self._random.randbytes(self._random.randint(1, LONGEST_NOISE)) + data

    def _reset(self, fault: Fault, data: bytes) -> None:
        """The device begins anew, with nothing of what it held."""
        at = {Fault.RESET_BEFORE: 0, Fault.RESET_BEHIND: len(data)}.get(fault)
        at = self._random.randrange(1, len(data)) if at is None else at
        self._line.write(data[:at])
        if fault is Fault.RESET_BEHIND:
            self._arrived += self._line.read(1, self._random.uniform(0, self._quiet))
        self._reset_device()
        left = data[at:]
        if left:
            self._line.write(left)
        self._arrived += self._line.read(WHOLE_REPLY, self._quiet)
        for address, garbage in self._lost:
            self._line.write(protocol.write_request(0, address, garbage))
            self._line.read(WHOLE_REPLY, self._quiet)

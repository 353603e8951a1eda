"""Ways to a device's byte streams: what a transport is, and the serial port."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol

import serial

from tfl2hw.errors import ToolError, UsageError


class Transport(Protocol):
    """Bytes to and from a device, a board or a simulated one."""

    def write(self, data: bytes) -> None:
        """Send all of ``data``.

        Raises
        ------
        ToolError : the device is gone.
        """

    def read(self, count: int, timeout: float) -> bytes:
        """``count`` bytes, or those that came before ``timeout`` seconds passed without another.

        A simulated device counts cycles instead of seconds.

        Raises
        ------
        ToolError : the device is gone.
        """

    def discard(self) -> None:
        """Forget bytes that have arrived and were not read."""

    def close(self) -> None:
        """Give the device free. May be called twice."""


class SerialTransport:
    """A serial port: 8 data bits, no parity, one stop bit, no flow control.

    Parameters
    ----------
    port : the operating system's name, or a URL that pyserial understands.
    baud : bits a second.

    Raises
    ------
    UsageError : the port cannot be opened.
    """

    def __init__(self, port: str, baud: int) -> None:
        self._name = port
        self._baud = baud
        try:
            self._port = serial.serial_for_url(port, baudrate=baud)
        except (serial.SerialException, ValueError, OSError) as error:
            raise UsageError(f"serial port {port} cannot be opened: {error}") from error

    def write(self, data: bytes) -> None:
        """Send all of ``data``."""
        try:
            self._port.write(data)
            self._port.flush()
        except (serial.SerialException, OSError) as error:
            raise ToolError(f"serial port {self._name} failed while sending: {error}") from error

    def read(self, count: int, timeout: float) -> bytes:
        """``count`` bytes, or fewer after ``timeout`` seconds of silence."""
        received = b""
        try:
            while len(received) < count:
                waiting = min(max(self._port.in_waiting, 1), count - len(received))
                self._port.timeout = timeout
                arrived: bytes = self._port.read(waiting)
                if not arrived:
                    break
                received += arrived
        except (serial.SerialException, OSError) as error:
            raise ToolError(f"serial port {self._name} failed while receiving: {error}") from error
        return received

    def discard(self) -> None:
        """Forget bytes that have arrived and were not read."""
        self._port.reset_input_buffer()

    def close(self) -> None:
        """Close the port."""
        self._port.close()

    def __enter__(self) -> SerialTransport:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

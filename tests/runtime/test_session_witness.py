"""A device with the right design and other weights answers nothing."""

from __future__ import annotations

import pytest

from tests.runtime.test_device import IDENTITY, Line
from tfl2hw.errors import ToolError
from tfl2hw.runtime.device import Device
from tfl2hw.runtime.session import Session

WITNESS = (0x100, b"\x01\x02\x03\x04")
MARK = 77


def session(line: Line) -> Session:
    return Session(
        Device(line, lanes=8), identity=IDENTITY, loads=(), inputs=(), outputs=(), mark=MARK, witness=WITNESS
    )


def test_the_right_contents_are_marked() -> None:
    line = Line()
    line.memory[0x100:0x104] = WITNESS[1]
    session(line).prepare()
    assert line.mark == MARK


def test_other_contents_are_refused() -> None:
    line = Line()
    with pytest.raises(ToolError, match=r"with other weights: .*00000000, that of the network is 01020304;"):
        session(line).prepare()
    assert line.mark != MARK


def test_contents_that_another_host_found_right_are_trusted() -> None:
    line = Line()
    line.mark = MARK
    session(line).prepare()
    assert line.mark == MARK

"""The flash's image against what a host sends, frame by frame; what a host says of a flash that is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.runtime.test_device import IDENTITY, Line
from tests.small_models import SmallModel
from tfl2hw.codegen import Compiled, compile_model
from tfl2hw.codegen.loading import Load
from tfl2hw.errors import ToolError
from tfl2hw.rtl_templates.frames import LOADING, Command
from tfl2hw.rtl_templates.uart import LEAST_DIVISOR
from tfl2hw.runtime import protocol
from tfl2hw.runtime.device import Device
from tfl2hw.runtime.flash import FLASH_IMAGE, as_line, boot_contents, write_flash_image
from tfl2hw.runtime.network import loads_of, open_session
from tfl2hw.runtime.session import Session

MARK = 77


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """A model with a softmax, whose table is loaded by a program that runs."""
    model = SmallModel(3)
    model.sink(model.softmax(model.dense(model.input((1, 40)), 10)))
    return compile_model(model.write(tmp_path_factory.mktemp("flash"), "small"), "icebreaker")


def heard(contents: bytes) -> tuple[bytes, list[int]]:
    """The bytes that a receiver takes from the line in ``contents``, and at which bit each begins."""
    bits = "".join(f"{byte:08b}" for byte in contents)
    data, starts, at = bytearray(), [], bits.find("0")
    while at >= 0:
        assert bits[at + 9] == "1"
        data.append(int(bits[at + 1 : at + 9][::-1], 2))
        starts.append(at)
        at = bits.find("0", at + 10)
    return bytes(data), starts


def test_a_byte_is_a_serial_line() -> None:
    contents = as_line([(b"\x01\x80", 3), (b"\x00", 0)])
    assert heard(contents) == (b"\x01\x80\x00", [16, 26, 39])
    assert contents[:2] == contents[-2:] == b"\xff\xff"


def test_the_flash_says_what_a_host_would(compiled: Compiled) -> None:
    """All that a session sends to an empty device but for IDENTIFY, and in its order."""
    line = Line()
    line.identity = bytes.fromhex(compiled.config.identity)
    open_session(compiled, line).prepare()
    data, starts = heard(boot_contents(compiled))
    assert data.startswith(line.identity)
    at, sent = len(line.identity), []
    while at < len(data):
        command, _, length, argument = protocol.REQUEST_HEADER.unpack(data[at + 1 : at + 9])
        size = 13 + (length + 4 if command == Command.WRITE else 0)
        assert data[at : at + size] in (
            protocol.request(Command(command), 0, argument),
            protocol.write_request(0, argument, data[at + 13 : at + 13 + length]),
        )
        sent.append((command, argument, data[at + 13 : at + 13 + length]))
        at += size
        if command == Command.RUN:
            idle = starts[at] - starts[at - 1] - 10
            assert idle * LEAST_DIVISOR > 256  # a cycle for each word of the softmax's table
    assert sent[0] == (Command.MARK, LOADING, b"")
    assert sent[1:] == line.requests[2:]
    assert any(load.runs for load in loads_of(compiled))


def test_the_image_has_bitstream_and_weights(compiled: Compiled, tmp_path: Path) -> None:
    bitstream = tmp_path / "icebreaker.bin"
    bitstream.write_bytes(b"bits")
    file = write_flash_image(compiled, bitstream)
    assert file == tmp_path / FLASH_IMAGE
    image, start = file.read_bytes(), compiled.board.flash
    assert start == 0x2_0000
    assert image[:start] == b"bits".ljust(start, b"\xff")
    assert image[start:] == boot_contents(compiled)


def test_no_image_where_the_bitstream_holds_everything(compiled: Compiled, tmp_path: Path) -> None:
    """Nor is an old one left."""
    (tmp_path / FLASH_IMAGE).write_bytes(b"old")
    (tmp_path / "ulx3s-25f.bit").write_bytes(b"bits")
    other = compile_model(compiled.file, "ulx3s-25f", lanes=4, columns=2)
    assert not other.boots
    assert write_flash_image(other, tmp_path / "ulx3s-25f.bit") is None
    assert not (tmp_path / FLASH_IMAGE).exists()


def test_a_bitstream_that_reaches_the_weights_is_refused(compiled: Compiled, tmp_path: Path) -> None:
    bitstream = tmp_path / "icebreaker.bin"
    bitstream.write_bytes(bytes(0x2_0001))
    with pytest.raises(ToolError, match="has 131,073 bytes; in the flash of icebreaker there is room for"):
        write_flash_image(compiled, bitstream)


def booted(line: Line, *, is_booted: bool = True) -> Session:
    return Session(
        Device(line, lanes=8),
        identity=IDENTITY,
        loads=[Load(writes=((0x100, b"weights!"),))],
        inputs=(),
        outputs=(),
        mark=MARK,
        booted=is_booted,
    )


def test_a_board_that_has_booted_is_not_loaded() -> None:
    line = Line()
    line.mark = MARK
    booted(line).prepare()
    assert [command for command, *_ in line.requests] == [Command.IDENTIFY]


@pytest.mark.parametrize(
    ("mark", "found"),
    [
        (0, "the board's flash holds no weights for its design"),
        (LOADING, "the weights in the board's flash are damaged"),
        (78, "the board holds other weights for this design"),
    ],
)
def test_a_board_that_has_not_booted_is_refused_and_can_be_loaded(mark: int, found: str) -> None:
    line = Line()
    line.mark = mark
    with pytest.raises(ToolError, match=rf"^{found}.*: program the flash with `tfl2hw program DIR`, or load"):
        booted(line).prepare()
    assert line.mark == mark
    booted(line, is_booted=False).prepare()
    assert (line.mark, line.memory[0x100:0x108]) == (MARK, b"weights!")


def test_another_training_has_another_mark_in_the_flash(compiled: Compiled) -> None:
    """So a host does not take it for its own, though the design has one identity."""
    address, data = compiled.image.scratchpad[0]
    changed = np.frombuffer(data, np.uint8) ^ 1
    image = replace(compiled.image, scratchpad=((address, changed.tobytes()), *compiled.image.scratchpad[1:]))
    marks = [heard(boot_contents(each))[0][-8:-4] for each in (compiled, replace(compiled, image=image))]
    assert marks[0] != marks[1]

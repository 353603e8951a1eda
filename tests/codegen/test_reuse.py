"""Memory contents replaced in a routed design: the same bytes as a build of everything."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tests.retrained import retrained
from tfl2hw import boards
from tfl2hw.boards import Board
from tfl2hw.codegen import compile_model
from tfl2hw.codegen.bitstream import RESULT, build_bitstream
from tfl2hw.codegen.memory_cells import without_contents
from tfl2hw.codegen.reuse import reuse_bitstream
from tfl2hw.codegen.routed import read_sections, write_sections
from tfl2hw.codegen.write import board_config
from tfl2hw.errors import UsageError
from tfl2hw.rtl_templates.core import Core

DIGITS = Path("examples/digits/digits_int8.tflite")


class Holder(wiring.Component):
    """Answers each byte with a mixture of what stands at its address in three memories of random contents.

    One is deep, one wide, one small enough for the LUTs of an ECP5. All can be written, as the core's can.
    """

    def __init__(self, board: Board, seed: int, depth: int = 600) -> None:
        self.ice40, self.seed, self.depth = board.family == "ice40", seed, depth
        super().__init__({"i": In(stream.Signature(8)), "o": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:
        m, random = Module(), Random(self.seed)
        history, mixed = Signal(32), Signal(8)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += history.eq(Cat(self.i.payload, history))
        for name, width, depth, style in (
            ("deep", 18, self.depth, "block"), ("wide", 40, 100, "block"), ("small", 6, 20, "distributed"),
        ):  # fmt: skip
            attributes = {} if self.ice40 and style == "distributed" else {"ram_style": style}
            contents = [random.getrandbits(width) for _ in range(depth)]
            memory = Memory(shape=width, depth=depth, init=contents, attrs=attributes)
            m.submodules[name] = memory
            into, read = memory.write_port(), memory.read_port()
            m.d.comb += [
                into.en.eq(history[-1]), into.addr.eq(history[8:]), into.data.eq(Cat(history, history)),
                read.addr.eq(history),
            ]  # fmt: skip
            sums = Signal(8, name=f"{name}_sum")
            m.d.sync += sums.eq(sum(read.data[start : start + 8] for start in range(0, width, 8)))
            following = Signal(8, name=f"{name}_mixed")
            m.d.comb += following.eq(mixed ^ sums)
            mixed = following
        m.d.comb += [self.o.payload.eq(mixed), self.o.valid.eq(self.i.valid), self.i.ready.eq(self.o.ready)]
        return m


@pytest.fixture(scope="module", params=["icebreaker", "ulx3s-12f"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A board, and the folder of a build for it."""
    folder = tmp_path_factory.mktemp("built")
    build_bitstream(lambda: Holder(boards.get(request.param), 1), boards.get(request.param), folder)
    return request.param, folder


def test_the_bytes_are_those_of_a_full_build(built: tuple[str, Path], tmp_path: Path) -> None:
    name, folder = built
    board = boards.get(name)
    full = build_bitstream(lambda: Holder(board, 2), board, tmp_path / "full")
    made = reuse_bitstream(lambda: Holder(board, 2), board, folder, tmp_path / "reused")
    assert made.bitstream.read_bytes() == full.bitstream.read_bytes()
    assert made.bitstream.read_bytes() != (folder / full.bitstream.name).read_bytes()
    assert (made.fmax_mhz, made.resources) == (full.fmax_mhz, full.resources)
    for file in ("top.json", "top.routed.json"):
        ours, theirs = (
            json.loads((tmp_path / each / "build" / file).read_text()) for each in ("reused", "full")
        )
        assert ours["modules"]["top"] == theirs["modules"]["top"], file
    again = reuse_bitstream(lambda: Holder(board, 1), board, tmp_path / "reused", tmp_path / "reused")
    assert again.bitstream.read_bytes() == (folder / full.bitstream.name).read_bytes()
    assert sorted(file.name for file in (tmp_path / "reused").iterdir()) == ["build", full.bitstream.name]


def test_what_differs_in_more_is_refused(built: tuple[str, Path], tmp_path: Path) -> None:
    name, folder = built
    with pytest.raises(UsageError, match="differs in more than what its memories hold"):
        reuse_bitstream(
            lambda: Holder(boards.get(name), 2, depth=601), boards.get(name), folder, tmp_path / "new"
        )
    assert not list((tmp_path / "new").iterdir())


def test_other_tools_are_refused(built: tuple[str, Path], tmp_path: Path) -> None:
    name, folder = built
    result = folder / "build" / RESULT
    text = result.read_text()
    facts = json.loads(text)
    facts["tools"]["amaranth"] = "0.5.0"
    result.write_text(json.dumps(facts))
    with pytest.raises(UsageError, match=r"amaranth 0\.5\.0 made the build there, here is 0\."):
        reuse_bitstream(lambda: Holder(boards.get(name), 2), boards.get(name), folder, tmp_path / "new")
    result.write_text(text)
    (folder / "build" / "top.il").rename(tmp_path / "away")
    with pytest.raises(UsageError, match=r"no build to reuse \(build/top\.il is missing\)"):
        reuse_bitstream(lambda: Holder(boards.get(name), 2), boards.get(name), folder, tmp_path / "new")
    (tmp_path / "away").rename(folder / "build" / "top.il")


def test_contents_are_all_that_is_left_out_of_rtlil() -> None:
    cell = "  cell $meminit_v2 $1\n    parameter \\WIDTH 2\n    connect \\DATA 4'{}\n  end\n"
    cell += "  connect \\DATA 2'01\n"
    assert without_contents(cell.format("0110")) == without_contents(cell.format("1111"))
    assert without_contents(cell.format("0110")).endswith("  connect \\DATA 2'01\n")


def test_only_the_lines_of_a_section_are_replaced() -> None:
    text = ".a 1\n00\n11\n\n.t\nword: X 1\nword: Y 0\n.a 2\n22\n33\n"
    wanted = {(".a 2", ""): ["44", "55"], (".t", "word: Y "): ["word: Y 1"]}
    changed = ".a 1\n00\n11\n\n.t\nword: X 1\nword: Y 1\n.a 2\n44\n55\n"
    assert write_sections(text, wanted) == changed
    assert read_sections(changed, wanted) == wanted


@pytest.mark.long
@pytest.mark.parametrize("board", ["icebreaker", "ulx3s-25f"])
def test_digits_trained_again(board: str, tmp_path: Path) -> None:
    """What is placed and routed anew is the retrained model on the core of the first one."""
    path = tmp_path / "again.tflite"
    path.write_bytes(retrained(DIGITS.read_bytes(), 1))
    first = compile_model(DIGITS, board)
    second = compile_model(path, board, core=first.config)
    assert second.config == first.config
    assert second.image != first.image
    for number, compiled in enumerate((first, second)):
        build_bitstream(
            lambda compiled=compiled: Core(board_config(compiled), compiled.core_image),
            compiled.board,
            tmp_path / str(number),
        )
    made = reuse_bitstream(
        lambda: Core(board_config(second), second.core_image), second.board, tmp_path / "0", tmp_path / "new"
    )
    assert made.bitstream.read_bytes() == (tmp_path / "1" / made.bitstream.name).read_bytes()
    assert sum(made.seconds.values()) < 15

"""The flow with small designs: a bitstream, its figures, and the refusals."""

from pathlib import Path

import pytest
from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tfl2hw import boards
from tfl2hw.boards import Board
from tfl2hw.codegen import bitstream
from tfl2hw.codegen.bitstream import BuildResult, build_bitstream, build_fastest
from tfl2hw.errors import DoesNotFit, UsageError
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.multiplier import LaneMultiplier
from tfl2hw.rtl_templates.scratchpad import Scratchpad


class Little(wiring.Component):
    """Echoes a byte mixed with products of the scratchpad's words; ``registers`` more bits to fill a chip."""

    def __init__(self, board: Board, registers: int = 0) -> None:
        self.board = board
        self.registers = registers
        super().__init__({"i": In(stream.Signature(8)), "o": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        board = self.board
        config = CoreConfig(
            lanes=board.lanes, columns=board.columns, requantizers=1, accumulator_bits=24, mantissa_bits=20,
            mantissa_fraction=19, offset_bits=24, shift_bits=5, bank_depth=16, parameter_depth=16,
            program_depth=16, scratchpad_words=1024, scratchpad=board.scratchpad,
        )  # fmt: skip
        m.submodules.scratchpad = scratchpad = Scratchpad(config)
        m.submodules.multiplier = multiplier = LaneMultiplier(board.lanes, board.multiplier)
        history, count = Signal(8 * board.lanes + self.registers), Signal(10)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [history.eq(Cat(self.i.payload, history)), count.eq(count + 1)]
        products = Signal(16)
        m.d.sync += products.eq(multiplier.p.as_value().xor() + multiplier.p[0] + multiplier.p[1])
        m.d.comb += [
            scratchpad.read_address.eq(~count), scratchpad.write_address.eq(count),
            scratchpad.write_data.eq(history), scratchpad.write_enable.eq(-1),
            multiplier.x.eq(scratchpad.read_data), multiplier.w.eq(history),
            self.o.payload.eq(products[:8] ^ products[8:] ^ history[-8:]),
            self.o.valid.eq(self.i.valid), self.i.ready.eq(self.o.ready),
        ]  # fmt: skip
        return m


def build(name: str, folder: Path, registers: int = 0) -> tuple[BuildResult, dict[str, list[float]]]:
    board = boards.get(name)
    stages: dict[str, list[float]] = {}

    def progress(stage: str, fraction: float | None) -> None:
        stages.setdefault(stage, []).append(fraction or 0.0)

    return build_bitstream(lambda: Little(board, registers), board, folder, progress), stages


def check(result: BuildResult, stages: dict[str, list[float]], folder: Path) -> None:
    assert result.meets_timing
    assert result.fmax_mhz >= result.target_mhz
    assert list(stages) == list(result.seconds) == ["elaboration", "synthesis", "place and route", "packing"]
    for fractions in stages.values():
        assert fractions == sorted(fractions)
        assert fractions[-1] == 1.0
    assert len(stages["synthesis"]) > 20
    assert len(stages["place and route"]) > 5
    assert {file.name for file in (folder / "build").glob("*.log")} == {
        "synthesis.log", "place_route.log", "packing.log",
    }  # fmt: skip
    assert result.bitstream.parent == folder
    assert result.bitstream.stat().st_size > 10_000


def test_icebreaker(tmp_path: Path) -> None:
    result, stages = build("icebreaker", tmp_path)
    check(result, stages, tmp_path)
    assert result.target_mhz == 30.0
    assert result.resources["SPRAM"] == (4, 4)
    assert result.resources["DSP"] == (2, 8)
    assert result.bitstream.read_bytes()[:4] == bytes.fromhex("ff000000") or result.bitstream.suffix == ".bin"


@pytest.mark.long
@pytest.mark.parametrize("name", ["ulx3s-25f", "ulx3s-85f"])
def test_ulx3s(tmp_path: Path, name: str) -> None:
    result, stages = build(name, tmp_path)
    check(result, stages, tmp_path)
    assert result.resources["DSP"][0] == boards.get(name).lanes
    assert result.resources["block RAM"][0] == boards.get(name).lanes // 2


@pytest.mark.long
def test_same_seed_same_bytes(tmp_path: Path) -> None:
    first, _ = build("icebreaker", tmp_path / "a")
    second, _ = build("icebreaker", tmp_path / "b")
    assert first.bitstream.read_bytes() == second.bitstream.read_bytes()


@pytest.mark.long
def test_too_large_a_design_is_refused_with_the_numbers(tmp_path: Path) -> None:
    (tmp_path / "icebreaker.bin").write_text("an older build's")
    message = r"the design is too large for icebreaker: it needs \d{4} LC of 5280$"
    with pytest.raises(DoesNotFit, match=message):
        build("icebreaker", tmp_path, registers=6000)
    assert not (tmp_path / "icebreaker.bin").exists()


def test_simulation_board_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="sim-large is for simulation alone"):
        build("sim-large", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_clock_out_of_reach_is_refused(tmp_path: Path) -> None:
    board = boards.get("icebreaker")
    with pytest.raises(UsageError, match=r"icebreaker: target_mhz must be within reach of the PLL, not 4"):
        build_bitstream(lambda: Little(board), board, tmp_path, mhz=4.0)


@pytest.mark.parametrize(
    ("reached", "clocks", "kept"),
    [
        ({30.0: 33.9, 33.75: 35.0, 34.5: 34.6}, [30.0, 33.75, 34.5], 34.5),  # up while it gets faster
        ({30.0: 34.0, 33.75: 31.0, 30.75: 30.0}, [30.0, 33.75, 30.75], 30.0),  # what had been met stands
        ({30.0: 28.0, 27.75: 29.0, 28.875: 27.0}, [30.0, 27.75, 28.875], 27.75),  # down first
        ({30.0: 29.9, 29.625: 29.0, 28.875: 28.0, 27.75: 27.0}, [30.0, 29.625, 28.875, 27.75], 27.75),
        ({30.0: 30.1}, [30.0], 30.0),
    ],
)
def test_the_fastest_build_that_meets_its_clock(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reached: dict[float, float],
    clocks: list[float],
    kept: float,
) -> None:
    tried = []

    def build_once(*_: object, mhz: float, **__: object) -> BuildResult:
        tried.append(mhz)
        file = tmp_path / "icebreaker.bin"
        file.write_text(str(mhz))
        (tmp_path / "build").mkdir(exist_ok=True)
        (tmp_path / "build" / "top.bin").write_text(str(mhz))
        return BuildResult(
            bitstream=file, fmax_mhz=reached[mhz], target_mhz=mhz, meets_timing=reached[mhz] >= mhz,
            resources={},
        )  # fmt: skip

    monkeypatch.setattr(bitstream, "build_bitstream", build_once)
    result = build_fastest(lambda: None, boards.get("icebreaker"), tmp_path)
    assert tried == clocks
    assert (result.target_mhz, result.bitstream.read_text()) == (kept, str(kept))


@pytest.mark.long
def test_the_best_seed_is_kept(tmp_path: Path) -> None:
    board = boards.get("icebreaker")
    each = [
        build_bitstream(lambda: Little(board), board, tmp_path / str(seed), seeds=[seed]) for seed in (1, 2)
    ]
    both = build_bitstream(lambda: Little(board), board, tmp_path / "both", seeds=(1, 2))
    best = max(each, key=lambda result: result.fmax_mhz)
    assert (both.fmax_mhz, both.seed) == (best.fmax_mhz, best.seed)
    assert both.bitstream.read_bytes() == best.bitstream.read_bytes()

"""Netlists against the interpreter: exact ones pass, a wrong one is found, whatever is wrong in it."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tests.small_models import SmallModel, samples
from tfl2hw import boards
from tfl2hw.codegen import Compiled, compile_model
from tfl2hw.codegen.bitstream import NAME, build_bitstream, elaborate, pll_for, uart_divisor
from tfl2hw.codegen.synthesis import synthesise
from tfl2hw.codegen.tools import silent
from tfl2hw.codegen.write import board_core
from tfl2hw.codegen.yosys import run_yosys
from tfl2hw.errors import ToolError
from tfl2hw.sim.netlist import Stage
from tfl2hw.sim.verify import netlist_device, verify_build

DIGITS = Path(__file__).parents[2] / "examples" / "digits"
BOARD = "icebreaker"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Compiled, Path]:
    """A model of one layer for the smallest array, and the folder of its build as far as synthesis."""
    folder = tmp_path_factory.mktemp("small")
    model = SmallModel(11)
    model.sink(model.dense(model.input((1, 12)), 5))
    compiled = compile_model(model.write(folder, "small"), BOARD, lanes=4, columns=2)
    core = board_core(compiled)
    elaborate(core, compiled.board, pll_for(compiled.board), folder)
    synthesise(NAME, compiled.board, folder, silent)
    return compiled, folder


def verdict(small: tuple[Compiled, Path], folder: Path, stages: tuple[str, ...]) -> dict[str, bool]:
    compiled = small[0]
    results = verify_build(compiled, folder, samples(compiled.file, 2), "litert-ref", silent, stages=stages)
    for result in results:
        assert result.samples == 2
        assert result.tensors_checked >= 2
        assert result.cycles == (None if result.stage == "reference" else compiled.predicted_cycles)
    return {result.stage: result.exact for result in results}


def change(
    small: tuple[Compiled, Path], folder: Path, kind: str, parameter: str, where: str, bits: str
) -> None:
    """The synthesised netlist again, but for one parameter: ``bits`` has a 1 for each bit to flip."""
    design = json.loads((small[1] / f"{NAME}.json").read_text())
    cell = next(
        cell
        for name, cell in design["modules"][NAME]["cells"].items()
        if cell["type"] == kind and where in name
    )
    old = cell["parameters"][parameter]
    mask = bits.rjust(len(old), bits if len(bits) == 1 else "0")
    cell["parameters"][parameter] = "".join(str(int(a != b)) for a, b in zip(old, mask, strict=True))
    (folder / f"{NAME}.json").write_text(json.dumps(design))


def test_a_synthesised_netlist_is_exact(small: tuple[Compiled, Path]) -> None:
    assert verdict(small, small[1], ("reference", "synthesis")) == {"reference": True, "synthesis": True}


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "parameter", "where", "bits"),
    [
        ("SB_LUT4", "LUT_INIT", "requantizer0.w", "1"),
        ("SB_MAC16", "A_SIGNED", "", "1"),
        ("SB_MAC16", "TOPOUTPUT_SELECT", "", "11"),
    ],
)
def test_a_wrong_cell_is_found(
    small: tuple[Compiled, Path], tmp_path: Path, kind: str, parameter: str, where: str, bits: str
) -> None:
    change(small, tmp_path, kind, parameter, where, bits)
    compiled = small[0]
    (result,) = verify_build(
        compiled, tmp_path, samples(compiled.file, 2), "litert-ref", silent, stages=("synthesis",)
    )
    assert not result.exact
    assert result.mismatches


class Products(wiring.Component):
    """Answers each byte with a byte of the product of the two before it, which passed two registers.

    ``a * b -> register -> register`` is what ``synth_ice40 -dsp`` of Yosys 0.70 compiles wrongly.
    """

    def __init__(self) -> None:
        super().__init__({"i": In(stream.Signature(8)), "o": Out(stream.Signature(8))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        older, newer, a, b = (Signal(signed(8), reset_less=True) for _ in range(4))
        first, second = (Signal(signed(16), reset_less=True) for _ in range(2))
        m.d.sync += [a.eq(older), b.eq(newer), first.eq(a * b), second.eq(first)]
        with m.If(self.i.valid & self.o.ready):
            m.d.sync += [older.eq(newer), newer.eq(self.i.payload)]
        m.d.comb += [
            self.o.payload.eq(second[:8] ^ second[8:]), self.o.valid.eq(self.i.valid),
            self.i.ready.eq(self.o.ready),
        ]  # fmt: skip
        return m


MISCOMPILED = (f"read_rtlil {NAME}.il", f"synth_ice40 -dsp -top {NAME} -json {NAME}.json")


def products(folder: Path, stage: Stage, sent: bytes) -> bytes:
    """What the netlist of ``stage`` answers."""
    board = boards.get(BOARD)
    divisor = uart_divisor(pll_for(board).mhz, board.baud)
    with netlist_device(stage, board.family, folder, divisor) as device:
        answers = b""
        for byte in sent:
            device.write(bytes([byte]))
            answers += device.read(1, 0.001)
        return answers


def test_the_miscompiled_multiplier_is_found(tmp_path: Path) -> None:
    """Yosys's warning fails a build; where nobody reads it, the netlist's answers are not the design's."""
    board = boards.get(BOARD)
    elaborate(Products(), board, pll_for(board), tmp_path)
    with pytest.raises(ToolError, match="two drivers of one net"):
        run_yosys(MISCOMPILED, tmp_path, "synthesis.log")
    sent = bytes([3, 5, 250, 7, 0x81, 0x7F, 0x80, 0x80])
    numbers = [0, 0, *np.frombuffer(sent, np.int8).tolist()]
    expected = bytes((a * b ^ a * b >> 8) & 255 for a, b in pairwise(numbers[:-1]))
    assert products(tmp_path, "rtl", sent) == expected
    assert products(tmp_path, "synthesis", sent) != expected


def test_a_build_without_the_netlist_says_so(small: tuple[Compiled, Path]) -> None:
    with pytest.raises(ToolError, match=r"top\.routed\.json is missing: .*build again"):
        netlist_device("routed", "ice40", small[1], 30)


@pytest.mark.long
@pytest.mark.parametrize("board", ["icebreaker", "ulx3s-25f"])
def test_digits_are_exact_at_every_stage(tmp_path: Path, board: str) -> None:
    compiled = compile_model(DIGITS / "digits_int8.tflite", board)
    build_bitstream(lambda: board_core(compiled), compiled.board, tmp_path, silent)
    images = [[np.load(DIGITS / f"digit_{digit}.npy")] for digit in range(10)]
    results = verify_build(compiled, tmp_path / "build", images, "litert-ref", silent)
    assert [(result.stage, result.exact, result.samples) for result in results] == [
        (stage, True, 10) for stage in ("reference", "rtl", "synthesis", "routed")
    ]

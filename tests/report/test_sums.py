"""The report explains where every cycle went: its reasons sum to what is lost, of each layer and of all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tfl2hw.codegen import compile_model
from tfl2hw.report.page import page
from tfl2hw.report.report import Report, report_of

ROOT = Path(__file__).parents[2]
SHARED = {
    "ad01_int8": "ulx3s-85f",
    "hello_world_int8": "ulx3s-85f",
    "kws_int8": "ulx3s-85f",
    "micro_speech": "ulx3s-85f",
    "mnv2_160_035": "sim-large",
    "person_detect_int8": "sim-large",
    "resnet8_int8": "ulx3s-85f",
    "sww_int8": "ulx3s-85f",
    "vww_96_int8": "ulx3s-85f",
}


def checked(file: Path, board: str, lanes: int | None, columns: int | None) -> Report:
    report = report_of(compile_model(file, board, "litert-ref", lanes, columns))
    for layer in report.layers:
        assert layer.cycles - layer.limit == sum(layer.losses.values()), layer
        assert 0 <= layer.busy <= layer.cycles
    totals = report.totals
    assert totals.cycles == report.predicted_cycles == report.verdict.cycles
    assert totals.cycles - totals.limit == totals.lost == sum(totals.losses.values())
    assert totals.losses == {
        name: sum(layer.losses[name] for layer in report.layers) for name in totals.losses
    }
    roof = report.roofline
    for point in roof.points:
        limit = min(roof.peak, roof.bytes_per_cycle * point.macs_per_byte)
        assert 0 < point.macs_per_cycle <= limit * (1 + 1e-9), point
    return report


@pytest.mark.parametrize("name", SHARED)
def test_reasons_sum_to_what_is_lost(name: str, models_dir: Path) -> None:
    checked(models_dir / f"{name}.tflite", SHARED[name], 8, 8)


def test_every_shared_model_is_checked(models_dir: Path) -> None:
    assert {file.stem for file in models_dir.glob("*.tflite")} == set(SHARED)


@pytest.mark.parametrize(
    ("name", "board"),
    [
        ("digits/digits_int8.tflite", "icebreaker"),
        ("digits/digits_int8.tflite", "ulx3s-25f"),
        ("from_keras/model.tflite", "ulx3s-25f"),
    ],
)
def test_reasons_sum_in_the_examples(name: str, board: str) -> None:
    checked(ROOT / "examples" / name, board, None, None)


def test_the_page_says_the_same_of_vww(models_dir: Path) -> None:
    """What a reader can add up on the page is the total that stands below it."""
    report = checked(models_dir / "vww_96_int8.tflite", "ulx3s-85f", 8, 8)
    (table,) = re.findall(r'<table class="account">(.*?)</table>', page(report), re.DOTALL)
    body, foot = table.split("<tfoot>")
    figures = [int(text.replace(",", "").replace("−", "-")) for text in re.findall(r">(−?[\d,]+)</td>", body)]
    (total,) = re.findall(r">([\d,]+)</td>", foot)
    assert sum(figures) == int(total.replace(",", "")) == report.predicted_cycles
    assert len(figures) == 1 + sum(cycles != 0 for cycles in report.totals.losses.values())
    assert "zeros" in table
    assert "lanes" in table

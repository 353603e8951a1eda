"""report.json and report.html in a folder, and what later commands add to them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from tests.report.conftest import DIGITS, build_of, comparison_of, stages_of
from tfl2hw.codegen import Compiled, compile_model
from tfl2hw.report import write_report
from tfl2hw.report.built import built
from tfl2hw.report.exactness import simulated, verified
from tfl2hw.sim.inference import Mismatch


def test_what_commands_find_is_kept(digits: Compiled, tmp_path: Path) -> None:
    first, files = write_report(digits, tmp_path)
    assert [file.name for file in files] == ["report.json", "report.html"]
    assert (first.verdict.exact, first.verdict.meets_timing, first.built) == (None, None, None)
    write_report(digits, tmp_path, built=built(build_of(digits)))
    write_report(digits, tmp_path, simulated=simulated(digits, comparison_of(digits), "litert-ref"))
    last, _ = write_report(digits, tmp_path, verified=verified(stages_of(digits)))
    assert last.built == built(build_of(digits))
    assert last.simulated is not None
    assert [check.values for check in last.simulated.tensors][:2] == [2048, 2048]
    assert (last.verdict.exact, last.verdict.meets_timing, last.verdict.measured) == (True, True, True)
    facts = json.loads((tmp_path / "report.json").read_text())
    assert facts == json.loads(json.dumps(last.as_json()))


def test_a_build_that_begins_forgets_the_one_before(digits: Compiled, tmp_path: Path) -> None:
    tensors = simulated(digits, comparison_of(digits), "litert-ref")
    write_report(digits, tmp_path, built=built(build_of(digits)), simulated=tensors)
    report, _ = write_report(digits, tmp_path, building=True)
    assert (report.built, report.verified, report.simulated) == (None, (), tensors)


def test_another_design_begins_anew(digits: Compiled, tmp_path: Path) -> None:
    write_report(digits, tmp_path, built=built(build_of(digits)))
    other = compile_model(DIGITS, "icebreaker", "litert-ref", 4, 2)
    assert write_report(other, tmp_path)[0].built is None
    for text in ("", "[]", "{}", '{"identity": 1, "board": 2}'):
        (tmp_path / "report.json").write_text(text)
        assert write_report(digits, tmp_path)[0].built is None


def test_compiled_again_from_its_folder_it_has_its_name_and_search(digits: Compiled, tmp_path: Path) -> None:
    write_report(digits, tmp_path)
    kept = replace(digits, file=tmp_path / "model.tflite", search=None)
    report, _ = write_report(kept, tmp_path)
    assert report.model == "digits_int8.tflite"
    assert report.search is not None
    assert [each.chosen for each in report.search.arrays].count(True) == 1


def test_what_differs_is_said(digits: Compiled, tmp_path: Path) -> None:
    wrong = Mismatch(sample=1, tensor=14, name="conv", values=3, first="at (0, 1): 4, not 5")
    found = simulated(digits, comparison_of(digits, (wrong,)), "litert-ref")
    report, (_, page) = write_report(
        digits, tmp_path, simulated=found, built=built(build_of(digits, fmax_mhz=29.0))
    )
    assert (report.verdict.exact, report.verdict.meets_timing) == (False, False)
    text = page.read_text()
    assert "✗ sample 1 at (0, 1): 4, not 5" in text
    assert "<strong>misses its clock</strong>" in text

"""The page as a file: self-contained, small, quick, and with all of its sections."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.report.conftest import build_of, comparison_of, stages_of
from tfl2hw.codegen import Compiled, compile_model
from tfl2hw.report.built import built, unit_name
from tfl2hw.report.exactness import simulated, verified
from tfl2hw.report.page import SECTIONS, count, page, share, short, significant
from tfl2hw.report.report import report_of

KERAS = Path(__file__).parents[1] / "keras_models"


@pytest.fixture(scope="module")
def text(digits: Compiled) -> str:
    return page(
        report_of(
            digits,
            built=built(build_of(digits)),
            simulated=simulated(digits, comparison_of(digits), "litert-ref"),
            verified=verified(stages_of(digits)),
        )
    )


def test_it_is_one_small_file_that_asks_for_nothing(text: str) -> None:
    assert len(text) < 1_500_000
    links = set(re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]+)""", text))
    assert {link for link in links if not link.startswith(("#", "data:"))} == set()
    assert "<script" not in text
    assert "@import" not in text


def test_it_has_every_section_with_a_sentence(text: str) -> None:
    for name, heading in SECTIONS:
        (section,) = re.findall(rf'<section id="{name}".*?</section>', text, re.DOTALL)
        assert f">{heading}</h2>" in section
        assert '<p class="lead">' in section
        assert section.count("<svg") == section.count('role="img" aria-label=') - section.count('class="sum"')
        assert ("<svg" in section) <= ("<table" in section), "a plot has a table beside it"


def test_its_ids_are_its_own(text: str) -> None:
    found = re.findall(r'\bid="([^"]*)"', text)
    assert len(found) == len(set(found))
    assert set(re.findall(r'(?:url\(#|href="#)([^")]+)', text)) <= set(found)


def test_plots_have_the_pages_colours(text: str) -> None:
    plots = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
    assert not re.findall(r"#[0-9a-f]{6}", plots)
    used = set(re.findall(r"var\(--([a-z]+)\)", text))
    assert used <= set(re.findall(r"--([a-z]+):", text)) | {"k", "m", "c", "t", "lanes"}


def test_the_critical_path_is_told_in_units(text: str) -> None:
    assert "begins in the <strong>softmax</strong> and ends in the <strong>column 3</strong>" in text
    assert "23 of them the carries of an adder" in text


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("array.column12.bank.0.1", "column 12: weight memory"),
        ("array.requantizer0.multiplier.sum", "requantizer 0"),
        ("byte_units.log_softmax.machine", "log softmax"),
        ("uart.receiver.count", "UART"),
        ("late_value", "core"),
        ("", "core"),
    ],
)
def test_units_have_names(place: str, name: str) -> None:
    assert unit_name(place)[0] == name


@pytest.mark.parametrize("name", ["two_in_two_out", "embedding", "arg_max", "inception", "activations"])
def test_networks_of_all_kinds_have_a_page(name: str) -> None:
    compiled = compile_model(KERAS / f"{name}.tflite", "sim-large")
    report = report_of(compiled)
    text = page(report)
    assert text.count('<li class="layer"') == len(report.layers)
    assert text.count('<li class="input"') == len(compiled.network.inputs)
    assert "is for simulation alone" in text


def test_figures_are_written_as_people_do() -> None:
    assert (count(-1234), share(0.004), share(1.36), significant(0.21)) == ("−1,234", "0.4%", "136%", "0.210")
    assert short("a/b_c;d") == "a/<wbr>b_<wbr>c"
    assert short("<i>") == "&lt;i&gt;"


def test_plots_are_loaded_for_a_report_alone() -> None:
    code = "import sys, tfl2hw.cli.main; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_report_takes_less_than_a_second_and_a_half(tmp_path: Path) -> None:
    """Processor time in a process of its own, the libraries' loading included."""
    model = Path(__file__).parents[2] / "examples" / "digits" / "digits_int8.tflite"
    code = (
        "import sys, time; from pathlib import Path; from tfl2hw.codegen import compile_model\n"
        "compiled = compile_model(Path(sys.argv[1]), 'icebreaker'); start = time.process_time()\n"
        "from tfl2hw.report import write_report\n"
        "write_report(compiled, Path(sys.argv[2])); print(time.process_time() - start)\n"
    )
    words = [sys.executable, "-c", code, str(model), str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 1.5

"""The page in a browser: headless Chromium reads it on a phone and on a desk, in light and dark."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.report.conftest import build_of, comparison_of, stages_of
from tfl2hw.codegen import Compiled, compile_model
from tfl2hw.codegen.account import LOSSES
from tfl2hw.report import write_report
from tfl2hw.report.built import built
from tfl2hw.report.exactness import simulated, verified

KERAS = Path(__file__).parents[1] / "keras_models"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PHONE, DESK = 390, 1280
LEAST_CONTRAST, LEAST_OF_SHAPES = 4.5, 3.0

PATIENCE = 300_000.0
"""Milliseconds: the machine may be busy with other tests."""

LOOK = (Path(__file__).parent / "look.js").read_text()
"""Functions that say what is wrong with how the page looks."""


@dataclass(kw_only=True)
class Seen:
    """A page, and what its browser had to say or wanted."""

    page: Any
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium on PATH to read the report with (on Debian: apt-get install chromium)")
    with playwright.sync_playwright() as tool:
        started = tool.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def folder(digits: Compiled, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports with all sections, of a long network with branches, and of a board without a chip."""
    folder = tmp_path_factory.mktemp("reports")
    write_report(
        digits,
        folder / "digits",
        built=built(build_of(digits)),
        simulated=simulated(digits, comparison_of(digits), "litert-ref"),
        verified=verified(stages_of(digits)),
    )
    write_report(
        compile_model(KERAS / "mobilenet_v3.tflite", "ulx3s-85f", "litert-ref", 8, 8), folder / "long"
    )
    write_report(compile_model(KERAS / "inception.tflite", "sim-large"), folder / "branches")
    return folder


def opened(browser: Any, file: Path, width: int, scheme: str) -> Seen:
    """The page with all its tables unfolded."""
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    context.set_default_timeout(PATIENCE)
    seen = Seen(page=context.new_page())
    seen.page.on("console", lambda message: seen.messages.append(message.text))
    seen.page.on("pageerror", lambda error: seen.messages.append(str(error)))
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    seen.page.goto(file.as_uri())
    seen.page.add_script_tag(content=LOOK)
    seen.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    return seen


@pytest.mark.parametrize("name", ["digits", "long", "branches"])
@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "dark"), (DESK, "light")])
def test_nothing_is_wrong_with_it(browser: Any, folder: Path, name: str, width: int, scheme: str) -> None:
    file = folder / name / "report.html"
    seen = opened(browser, file, width, scheme)
    look = seen.page.evaluate
    assert seen.messages == []
    assert {url for url in seen.requests if not url.startswith("data:")} == {file.as_uri()}
    assert look("document.documentElement.scrollWidth") <= width
    assert look("tooWide()") == []
    assert look("cut()") == []
    assert look("overlapping()") == []
    assert look("outsideOfPlots()") == []
    assert look("smallText(10)") == []
    assert look("least => lowContrast(least)", LEAST_CONTRAST) == []
    plots = look("[...document.querySelectorAll('svg')].filter(shown).length")
    assert plots == 3, "occupancy, roofline and memory, each in one size"
    assert look("emptyPlots()") == []
    seen.page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_stand_out(browser: Any, folder: Path, scheme: str) -> None:
    """The parts of plots from the card, and letters on the boxes of the memory map."""
    seen = opened(browser, folder / "digits" / "report.html", DESK, scheme)
    for kind in ("input", "output", "constant", "map", "weights", "workspace"):
        assert seen.page.evaluate(f"contrastOf('--card', '--{kind}')") >= LEAST_CONTRAST, kind
    for name in ("busy", *LOSSES, "convolution", "depthwise", "dense", "other", "logic", "wires"):
        assert seen.page.evaluate(f"contrastOf('--card', '--{name}')") >= LEAST_OF_SHAPES, name
    seen.page.context.close()


def test_the_checks_see_what_is_wrong(browser: Any, folder: Path) -> None:
    seen = opened(browser, folder / "digits" / "report.html", PHONE, "light")
    look = seen.page.evaluate
    look("""document.querySelector('main').insertAdjacentHTML('beforeend',
        '<p style="white-space:nowrap;color:#ddd">' + 'much too long '.repeat(20) + '</p>')""")
    assert look("document.documentElement.scrollWidth") > PHONE
    assert look("tooWide()") != []
    assert look("least => lowContrast(least)", LEAST_CONTRAST) != []
    look(
        "for (const each of document.querySelectorAll('svg text')) each.setAttribute('transform', 'scale(1)')"
    )
    assert look("overlapping()") != []
    look("document.querySelector('.tile dd').style.cssText = 'height:4px;overflow:hidden'")
    assert look("cut()") != []
    seen.page.context.close()

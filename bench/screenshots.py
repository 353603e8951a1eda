"""Pictures of a report, for the documentation: as a desk sees it in light, and a phone in dark.

``python bench/screenshots.py DIR [--output docs/images]``

DIR is a folder with a report.html, as ``tfl2hw build -o DIR`` writes it. A Chromium on PATH takes pictures
through playwright (both are development dependencies); they are written with 128 colours, to be small.
"""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tfl2hw.cli.terminal import say
from tfl2hw.errors import ToolError

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
COLOURS = 128
DESK = {"width": 1140, "height": 1240}
PHONE = {"width": 390, "height": 844}


def main(
    directory: Annotated[Path, typer.Argument(metavar="DIR")],
    output: Annotated[Path, typer.Option("--output", metavar="DIR")] = Path("docs/images"),
) -> None:
    """Write report-desk.png and report-phone.png."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        raise ToolError("no Chromium on PATH (on Debian: apt-get install chromium)")
    output.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = (directory / "report.html").resolve().as_uri()
        _take(browser, page, DESK, "light", ["header"], output / "report-desk.png")
        _take(browser, page, PHONE, "dark", ["#cycles", "#roofline"], output / "report-phone.png")
        browser.close()


def _take(
    browser: Browser, address: str, size: dict[str, int], scheme: str, places: list[str], file: Path
) -> None:
    """What a window of ``size`` shows at each of ``places``, side by side, in ``file``."""
    context = browser.new_context(
        viewport={"width": size["width"], "height": size["height"]},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(address)
    shots = []
    for place in places:
        page.evaluate("place => document.querySelector(place).scrollIntoView()", place)
        shots.append(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    gap = 16 * (len(shots) - 1)
    whole = Image.new("RGB", (sum(shot.width for shot in shots) + gap, shots[0].height), "white")
    left = 0
    for shot in shots:
        whole.paste(shot, (left, 0))
        left += shot.width + 16
    whole.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
    say(f"{file}: {file.stat().st_size:,} bytes")
    context.close()


if __name__ == "__main__":
    typer.run(main)

"""The timing diagrams of docs/how_it_works.md, from the waves of a simulated core.

``python docs/tools/diagrams.py`` writes docs/images/NAME.json (WaveDrom) and NAME.svg. Run it when a unit's
latency has changed; a test compares.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import wavedrom

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "tools")]

from waves import COLUMNS, HEIGHT, REQUANTIZERS, WIDTH, Wave, Waves, record  # noqa: E402

IMAGES = ROOT / "docs" / "images"
COLOURS = {"default": "345678", "narrow": "32"}
"""WaveDrom's kinds of a filled cell in its skins: pixels, or jobs, take turns."""

FONTS = "font-family:Helvetica,Arial,sans-serif"

MARGIN = "\u2003"
"""In front of a label: not every viewer's font is as narrow as WaveDrom's."""

CHAIN = COLUMNS // REQUANTIZERS
PIXELS = HEIGHT * WIDTH
TOKENS = 2
"""Words of four channels that an IFM pixel of eight has."""


Form = Callable[[Wave, int], str]
"""A value's text."""


def decimal(wave: Wave, value: int) -> str:
    """The number, signed."""
    return str(value - (1 << wave.width) if value >> (wave.width - 1) else value)


def unsigned(wave: Wave, value: int) -> str:
    """The number, such as an address."""
    return str(value)


def first_byte(wave: Wave, value: int) -> str:
    """A word's first byte: those of the IFM are 0, 1, 2 ..."""
    return str(value & 0xFF)


def nothing(wave: Wave, value: int) -> str:
    """A cell without a text."""
    return ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of a diagram.

    Without ``when`` a bit. With it a value, in each cycle in which ``when`` was 1 ``late`` cycles before, and
    nothing elsewhere; ``together`` values in a row have one colour.
    """

    label: str
    signal: str
    form: Form = nothing
    when: str | None = None
    late: int = 0
    together: int = 1


@dataclass(frozen=True, kw_only=True)
class Diagram:
    """``rows`` from cycle ``first`` to cycle ``last``."""

    name: str
    title: str
    rows: Sequence[Row]
    first: int
    last: int
    skin: str = "default"


def cycles_of(waves: Waves, signal: str) -> list[int]:
    """The cycles in which ``signal`` is 1."""
    return [cycle for cycle, value in enumerate(waves[signal].values) if value]


def diagrams(waves: Waves) -> list[Diagram]:
    """All of them."""
    return [array(waves), requantizer(waves), jobs(waves)]


def array(waves: Waves) -> Diagram:
    """From the address of a pixel's first word to the sums that leave the columns."""
    active = "address.request.active"
    rows = [
        Row(label="address", signal="address.read_address", form=unsigned, when=active, together=TOKENS),
        Row(label="first of a pixel", signal="address.request.token.first"),
        Row(label="last of a pixel", signal="address.request.token.last"),
    ]
    for number in range(COLUMNS):
        column, valid = f"array.column{number}", f"array.column{number}.token.valid"
        rows.append(
            Row(
                label=f"column {number}: word",
                signal=f"{column}.x",
                form=first_byte,
                when=valid,
                late=1,
                together=TOKENS,
            )
        )
    for number in range(COLUMNS):
        column, valid = f"array.column{number}", f"array.column{number}.control.valid"
        rows.append(
            Row(
                label=f"column {number}: sum",
                signal=f"{column}.accumulator",
                form=decimal,
                when=valid,
                late=1,
                together=TOKENS,
            )
        )
    for group in range(REQUANTIZERS):
        result = f"array.column{group * CHAIN + CHAIN - 1}.result_out"
        rows.append(
            Row(
                label=f"to requantizer {group}",
                signal=f"{result}.value",
                form=decimal,
                when=f"{result}.valid",
                together=CHAIN,
            )
        )
    first = cycles_of(waves, active)[0]
    last = cycles_of(waves, f"array.column{COLUMNS - 1}.result_out.valid")[0]
    title = "Two words a pixel; each column is a cycle behind the one before it"
    return Diagram(name="array", title=title, rows=rows, first=first - 1, last=last + 4)


def requantizer(waves: Waves) -> Diagram:
    """From a sum to the bytes of a pixel in memory."""
    unit = "array.requantizer0"
    registers = sum(re.fullmatch(rf"{unit}\.valid_\d+", name) is not None for name in waves)
    result, writes = f"{unit}.result.valid", "writer.complete"

    def stage(label: str, signal: str, behind: int, form: Form = decimal) -> Row:
        """A register, so many before the last one."""
        when = f"{unit}.valid_{registers - 1 - behind}"
        return Row(label=label, signal=f"{unit}.{signal}", form=form, when=when, together=CHAIN)

    rows = [
        Row(label="accumulator", signal=f"{unit}.result.value", form=decimal, when=result, together=CHAIN),
        Row(label="entry read", signal=f"{unit}.address", form=unsigned, when=result, together=CHAIN),
        stage("v: offset added", "v", 9, nothing),
        stage("w: fraction dropped", "w", 8, nothing),
        stage("shifted by fours", "coarse", 7),
        stage("shifted by 0 to 3", "fine", 6),
        stage("saturated", "settled", 3),
        stage("rounded, moved", "rounded", 2),
        stage("y: clamped", "y", 0),
        Row(label="bytes leave", signal="array.valid"),
        Row(label="write to word", signal="writer.write_address", form=unsigned, when=writes),
    ]
    first, last = cycles_of(waves, result)[0], cycles_of(waves, writes)[2]
    title = "Two filters share requantizer 0: a result a cycle"
    return Diagram(name="requantizer", title=title, rows=rows, first=first - 1, last=last + 1)


def jobs(waves: Waves) -> Diagram:
    """Two jobs, from the first one's START to the second one's last write."""
    column, result = "array.column0", f"array.column{COLUMNS - 1}.result_out"
    issue, writes = "address.issue", "writer.complete"
    tokens = PIXELS * TOKENS

    def cells(label: str, when: str, together: int) -> Row:
        """A cell for each cycle with ``when``, in the job's colour."""
        return Row(label=label, signal=when, form=nothing, when=when, together=together)

    rows = [
        Row(label="register write", signal="sequencer.bus__valid"),
        Row(label="START", signal="sequencer.bus__start"),
        cells("token issued", issue, tokens),
        Row(label="last one", signal="sequencer.front_done"),
        cells("at column 0", f"{column}.token.valid", tokens),
        cells("result", f"{result}.valid", PIXELS * CHAIN),
        Row(label="taken over", signal="sequencer.taken"),
        cells("write", writes, PIXELS),
    ]
    first, last = cycles_of(waves, "sequencer.bus__start")[0], cycles_of(waves, writes)[-1]
    title = "Two jobs: the second one reads what the first one writes"
    return Diagram(name="jobs", title=title, rows=rows, first=first - 3, last=last + 2, skin="narrow")


def as_wavedrom(diagram: Diagram, waves: Waves) -> dict[str, Any]:
    """The diagram's WaveJSON. Cycles count from its first one."""
    length = diagram.last - diagram.first + 1
    lanes = [{"name": "clock", "wave": "p" + "." * (length - 1)}]
    lanes += [{"name": MARGIN + row.label, **_line(row, waves, diagram)} for row in diagram.rows]
    return {
        "signal": lanes,
        "head": {"text": diagram.title, "tick": 0},
        "config": {"skin": diagram.skin},
    }


def _line(row: Row, waves: Waves, diagram: Diagram) -> dict[str, Any]:
    """The characters and the texts of a row's cells."""
    wave, window = waves[row.signal], range(diagram.first, diagram.last + 1)
    if row.when is None:
        bits = [str(wave.values[cycle]) for cycle in window]
        return {"wave": _merged(bits)}
    shown = {cycle + row.late: n for n, cycle in enumerate(cycles_of(waves, row.when))}
    colours = COLOURS[diagram.skin]
    cells = [colours[shown[c] // row.together % len(colours)] if c in shown else "x" for c in window]
    data = [row.form(wave, wave.values[cycle]) for cycle in window if cycle in shown]
    kept = "".join("." if n and cell == "x" == cells[n - 1] else cell for n, cell in enumerate(cells))
    return {"wave": kept, **({"data": data} if any(data) else {})}


def _merged(cells: Sequence[str]) -> str:
    return "".join("." if n and cell == cells[n - 1] else cell for n, cell in enumerate(cells))


def as_svg(source: str) -> str:
    """WaveDrom's picture of ``source``, on white, without those of its drawings that it does not use."""
    text = wavedrom.render(source).tostring()
    used = set(re.findall(r'xlink:href="#([^"]+)"', text))
    drawn = re.compile(r'<g id="([^"]+?)(?<!_0)">(?:(?!<g\b).)*?</g>')
    text = drawn.sub(lambda drawing: drawing[0] if drawing[1] in used else "", text)
    text = text.replace("font-size:11pt", "font-size:9pt").replace("font-family:Helvetica", FONTS)
    return text.replace("<svg ", '<svg style="background:white" ', 1)


def files() -> dict[str, str]:
    """The content of every file of docs/images that this module writes, by name."""
    waves, made = record(), {}
    for diagram in diagrams(waves):
        source = json.dumps(as_wavedrom(diagram, waves), indent=1) + "\n"
        made[f"{diagram.name}.json"] = source
        made[f"{diagram.name}.svg"] = as_svg(source) + "\n"
    return made


def main() -> None:
    """Write them."""
    IMAGES.mkdir(exist_ok=True)
    for name, content in files().items():
        (IMAGES / name).write_text(content, encoding="utf-8")
        print(f"docs/images/{name}")


if __name__ == "__main__":
    main()

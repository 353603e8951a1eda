"""The page: a template a section, filled with the facts of a report and its plots."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

import tfl2hw
from tfl2hw.codegen.account import LOSSES

from .cycles import LayerCycles
from .figures.canvas import NARROW, WIDE
from .figures.memory_map import memory_map
from .figures.occupancy import occupancy
from .figures.roofline import GROUPS, group_of, roofline
from .rails import rails
from .report import Report

SECTIONS = (
    ("network", "Network"),
    ("cycles", "Where the cycles go"),
    ("occupancy", "The array over time"),
    ("roofline", "Roofline"),
    ("memory", "Memory over time"),
    ("chip", "The chip"),
    ("path", "What limits the clock"),
    ("exactness", "Exactness"),
    ("search", "What was considered"),
)
"""The sections: the name of each one's template, which is its anchor, and its heading."""

_NAME = 44
_SIZES = (WIDE, NARROW)


def page(report: Report) -> str:
    """The whole page, with everything that it needs."""
    environment = Environment(
        loader=PackageLoader("tfl2hw.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    filters: dict[str, Callable[..., Any]] = {
        "n": count, "pct": share, "kib": kib, "short": short, "shape": shape, "sig": significant,
        "group": group_of,
    }  # fmt: skip
    environment.filters.update(filters)
    plots = {
        "occupancy": Markup("".join(occupancy(report.layers, size) for size in _SIZES)),
        "memory": Markup("".join(memory_map(report.memory, size) for size in _SIZES)),
        "roofline": Markup("".join(roofline(report.roofline, size) for size in _SIZES)),
    }
    return environment.get_template("page.html").render(
        report=report,
        verdict=report.verdict,
        totals=report.totals,
        sections=SECTIONS,
        meanings=LOSSES,
        ranked=ranked(report.totals.losses),
        longest=max([1, *(max(layer.cycles, layer.limit) for layer in report.layers)]),
        segments=segments,
        rows=rails(report.network),
        plots=plots,
        groups=GROUPS,
        version=tfl2hw.__version__,
    )


def ranked(losses: dict[str, int]) -> list[tuple[str, int]]:
    """The losses that there are, the largest first; before them what is gained."""
    found = [(name, cycles) for name, cycles in losses.items() if cycles]
    return sorted(found, key=lambda loss: (loss[0] != "zeros", -loss[1]))


def segments(layer: LayerCycles) -> Sequence[tuple[str, int]]:
    """The parts of a layer's bar: what the array worked, and each loss."""
    parts = [("busy", layer.limit + layer.losses["zeros"])]
    parts += [(name, cycles) for name, cycles in layer.losses.items() if name != "zeros"]
    return [(name, cycles) for name, cycles in parts if cycles > 0]


def count(value: float) -> str:
    """Thousands apart, with a true minus."""
    return f"{value:,.0f}".replace("-", "−")


def share(value: float) -> str:
    """A part as per cent: small ones with a decimal."""
    text = f"{value:.1%}" if 0 < abs(value) < 0.1 else f"{value:.0%}"
    return text.replace("-", "−")


def kib(value: int) -> str:
    """Bytes."""
    return f"{value / 1024:,.1f} KiB" if value >= 1024 else f"{value:,} bytes"


def significant(value: float) -> str:
    """Three digits that count, or all before the point."""
    return f"{value:,.0f}" if value >= 100 or not value else f"{value:#.3g}"


def shape(sizes: Sequence[int]) -> str:
    """A tensor's shape without the batch."""
    inner = sizes[1:] if len(sizes) > 1 and sizes[0] == 1 else sizes
    return "\u2009×\u2009".join(str(size) for size in inner) or "1"


def short(name: str) -> Markup:
    """A tensor's name: TensorFlow's list every node that was fused, and the end of a path says most.

    It may be broken behind a slash or an underscore.
    """
    first = name.split(";")[0]
    text = first if len(first) <= _NAME else "…" + first[1 - _NAME :]
    return Markup(re.sub(r"([/_])", r"\1<wbr>", str(escape(text))))

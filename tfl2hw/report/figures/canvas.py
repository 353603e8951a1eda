"""What the plots share: their sizes, their colours, and how a figure becomes SVG for the page.

A plot is drawn in stand-in colours, which become CSS variables, so that the page's light and dark themes
colour it. Its letters are text in the page's font.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from io import StringIO

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from tfl2hw.codegen.account import LOSSES

THEME = (
    "ink", "muted", "line", "card", "accent", "busy", *LOSSES,
    "input", "output", "constant", "map", "weights", "workspace",
    "convolution", "depthwise", "dense", "other",
)  # fmt: skip
"""The CSS variables (but for their dashes) that plots use."""

_STAND_INS = {name: f"#{0x5A0000 + 0x0101 * (number + 1):06x}" for number, name in enumerate(THEME)}
_POINTS = 72.0


@dataclass(frozen=True, kw_only=True)
class Size:
    """A size in which a plot is made, in CSS pixels; ``name`` is its CSS class."""

    name: str
    width: int
    font: float


WIDE = Size(name="wide", width=940, font=13.0)
NARROW = Size(name="narrow", width=330, font=12.0)


def colour(name: str) -> str:
    """The stand-in for a colour of the theme."""
    return _STAND_INS[name]


@dataclass(kw_only=True)
class Canvas:
    """A figure of ``size`` and ``height`` pixels, with the texts that its parts show under a pointer."""

    size: Size
    height: int
    tips: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.figure = Figure(figsize=(self.size.width / _POINTS, self.height / _POINTS), dpi=_POINTS)
        self.figure.patch.set_visible(False)
        FigureCanvasSVG(self.figure)

    def axes(self, left: int, bottom: int, right: int, top: int) -> Axes:
        """Axes with margins in pixels, and only the spines that carry a scale."""
        wide, high = self.size.width, self.height
        made = self.figure.add_axes((
            left / wide,
            bottom / high,
            (wide - left - right) / wide,
            (high - bottom - top) / high,
        ))
        made.patch.set_visible(False)
        made.spines[["top", "right"]].set_visible(False)
        made.spines[["left", "bottom"]].set_color(colour("line"))
        made.tick_params(
            colors=colour("line"), labelcolor=colour("muted"), labelsize=self.size.font - 1, which="both"
        )
        made.xaxis.label.set(color=colour("muted"), fontsize=self.size.font - 1)
        made.yaxis.label.set(color=colour("muted"), fontsize=self.size.font - 1)
        return made

    def tip(self, text: str) -> str:
        """The id of a part that shows ``text`` under a pointer: a ``gid`` of matplotlib's."""
        name = f"tip{len(self.tips)}"
        self.tips[name] = text
        return name

    def text_width(self, text: str, font: float | None = None) -> float:
        """About as many pixels as ``text`` takes, rather too many than too few."""
        return 0.58 * (font or self.size.font) * len(text)

    def svg(self, name: str, label: str) -> str:
        """The figure as an element of the page. ``label`` says what is to be seen."""
        with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
            text = StringIO()
            self.figure.savefig(text, format="svg", metadata={"Date": None}, transparent=True)
        return _for_page(text.getvalue(), f"{name}-{self.size.name}", label, self.tips, self.size)


def _for_page(svg: str, prefix: str, label: str, tips: Mapping[str, str], size: Size) -> str:
    """Matplotlib's file as an element: no header, ids that are the page's only ones, the theme's colours."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    for name, text in tips.items():
        svg = svg.replace(f'<g id="{name}">', f"<g><title>{escape(text)}</title>", 1)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r'(\bid="|url\(#|href="#)(?=[\w])', rf"\g<1>{prefix}-", svg)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]+", r"font: \1px var(--font)", svg)
    for name, stand_in in _STAND_INS.items():
        svg = svg.replace(stand_in, f"var(--{name})")
    view = re.search(r'viewBox="[^"]*"', svg)
    assert view is not None, "matplotlib states a viewBox"
    head = f'<svg class="{size.name}" role="img" aria-label="{escape(label)}" {view.group()}>'
    return head + re.sub(r"\n\s*", "\n", svg[svg.index(">") + 1 :]).strip()

"""The roofline: what a layer reaches, below what the array and the scratchpad allow."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import atan, atan2, cos, degrees

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from tfl2hw.report.roofline import Point, Roofline

from .canvas import Canvas, Size, colour

_HEIGHT = 340
_LEFT, _BOTTOM, _RIGHT, _TOP = 66, 48, 14, 16
GROUPS = {
    "convolution": ("o", "convolution"),
    "depthwise": ("s", "depthwise"),
    "dense": ("^", "fully connected"),
    "other": ("D", "other"),
}
"""Kinds of layers: their colour, their mark and their name."""


def group_of(op: str) -> str:
    """The kind of a layer."""
    if "DEPTHWISE" in op:
        return "depthwise"
    if "CONV" in op:
        return "convolution"
    return "dense" if op in ("FULLY_CONNECTED", "BATCH_MATMUL") else "other"


@dataclass(kw_only=True)
class _Labels:
    """Places labels where no other one stands, or leaves them out."""

    width: float
    height: float
    taken: list[tuple[float, float, float, float]] = field(default_factory=list)

    def mark(self, x: float, y: float) -> None:
        """Keep a point's mark free."""
        self.taken.append((x - 5, y - 5, x + 5, y + 5))

    def place(self, x: float, y: float, wide: float, high: float) -> tuple[float, float] | None:
        """The left and the middle of a label beside pixel (x, y); None where there is no room."""
        for dx, dy in (
            (9, 0),
            (-9 - wide, 0),
            (7, 12),
            (7, -12),
            (-7 - wide, 12),
            (-7 - wide, -12),
            (-wide / 2, 17),
        ):
            box = (x + dx - 2, y + dy - high / 2, x + dx + wide + 2, y + dy + high / 2)
            inside = box[0] >= 0 and box[1] >= 0 and box[2] <= self.width and box[3] <= self.height
            if inside and not any(_overlap(box, other) for other in self.taken):
                self.taken.append(box)
                return x + dx, y + dy
        return None


def roofline(facts: Roofline, size: Size) -> str:
    """MACs a cycle over MACs a byte, both logarithmic, under the two limits."""
    canvas = Canvas(size=size, height=_HEIGHT)
    axes = canvas.axes(_LEFT, _BOTTOM, _RIGHT, _TOP)
    xs = [point.macs_per_byte for point in facts.points]
    ys = [point.macs_per_cycle for point in facts.points]
    x_low, x_high = min([*xs, facts.ridge / 4]) / 1.6, max([*xs, facts.ridge]) * 2.2
    y_low, y_high = min([*ys, facts.peak / 8]) / 1.6, facts.peak * 1.9
    axes.set(xscale="log", yscale="log", xlim=(x_low, x_high), ylim=(y_low, y_high))
    roof = [x_low, facts.ridge, x_high]
    heights = [min(facts.peak, facts.bytes_per_cycle * x) for x in roof]
    axes.plot(roof, heights, color=colour("ink"), linewidth=1.8, solid_joinstyle="miter")
    _name_the_roof(axes, facts, size, (x_low, x_high))
    for name, (marker, _) in GROUPS.items():
        for point in facts.points:
            if group_of(point.op) == name:
                axes.plot(
                    [point.macs_per_byte], [point.macs_per_cycle], marker, markersize=8.5,
                    color=colour(name), markeredgecolor=colour("card"), gid=canvas.tip(_tip(point)),
                )  # fmt: skip
    _label(canvas, axes, facts)
    axes.set(xlabel="MACs for each byte read from the scratchpad", ylabel="MACs a cycle")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(base=2, numticks=7 if size.name == "narrow" else 10))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
        axis.set_minor_formatter(NullFormatter())
        axis.set_minor_locator(LogLocator(base=2, subs=[]))
    return canvas.svg("roofline", "MACs a cycle of each layer under the limits of array and memory")


def _name_the_roof(axes: Axes, facts: Roofline, size: Size, span: tuple[float, float]) -> None:
    style = {"color": colour("ink"), "fontsize": size.font - 1}
    axes.text(
        span[1], facts.peak * 1.1, f"array: {facts.peak} MACs a cycle ", ha="right", va="bottom", **style
    )
    low = span[0] * 1.08
    (x0, y0), (x1, y1) = axes.transData.transform([(x, facts.bytes_per_cycle * x) for x in (low, 2 * low)])
    axes.annotate(
        _memory(facts), (low, facts.bytes_per_cycle * low), (0, 6),
        textcoords="offset points", ha="left", va="bottom", rotation_mode="anchor",
        rotation=degrees(atan2(y1 - y0, x1 - x0)), **style,
    )  # fmt: skip


def _memory(facts: Roofline) -> str:
    return f"memory: {facts.bytes_per_cycle} bytes a cycle"


def _tip(point: Point) -> str:
    return (
        f"layer {point.index} {point.op}: {point.macs_per_cycle:.1f} MACs a cycle, "
        f"{point.macs_per_byte:.2f} MACs a byte"
    )


def _label(canvas: Canvas, axes: Axes, facts: Roofline) -> None:
    """The number of each layer beside its mark, where there is room."""
    wide, high = canvas.size.width - _LEFT - _RIGHT, canvas.height - _BOTTOM - _TOP
    labels, font = _Labels(width=wide, height=high), canvas.size.font - 1
    corner = (_LEFT, _BOTTOM)
    places = {}
    (x0, y0), (x1, y1) = axes.transData.transform([
        (x, min(facts.peak, facts.bytes_per_cycle * x)) for x in (axes.get_xlim()[0], facts.ridge)
    ])
    slope = (y1 - y0) / (x1 - x0)
    for x in range(0, wide, 4):
        labels.mark(x, min(y1, y0 + slope * (x + corner[0] - x0)) - corner[1])
    named = canvas.text_width(_memory(facts), font) * cos(atan(slope)) + 12
    for x in range(0, int(named), 4):  # beside the name of the slope, which stands on it
        labels.mark(x, y0 + slope * (x + corner[0] - x0) - corner[1] + font)
    for point in facts.points:
        x, y = axes.transData.transform((point.macs_per_byte, point.macs_per_cycle))
        places[point] = x - corner[0], y - corner[1]
        labels.mark(*places[point])
    for point, (x, y) in places.items():
        text = str(point.index)
        found = labels.place(x, y, canvas.text_width(text, font), font)
        if found is not None:
            at = axes.transAxes.inverted().transform((found[0] + corner[0], found[1] + corner[1]))
            axes.text(*at, text, transform=axes.transAxes, va="center", color=colour("ink"), fontsize=font)


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]

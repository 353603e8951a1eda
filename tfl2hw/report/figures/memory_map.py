"""The scratchpad over time: a box a buffer."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from tfl2hw.report.memory import MemoryMap, Span

from .canvas import Canvas, Size, colour

_LEFT, _BOTTOM, _RIGHT, _TOP, _BETWEEN = 64, 46, 12, 24, 46
_KIB = 1024
_PANEL = 250


def memory_map(facts: MemoryMap, size: Size) -> str:
    """Addresses over layers; a panel for each bank that holds something."""
    banks = [bank for bank, used in enumerate(facts.used) if used]
    panel = _PANEL if len(banks) == 1 else 180
    height = _BOTTOM + _TOP + len(banks) * panel + (len(banks) - 1) * _BETWEEN
    canvas = Canvas(size=size, height=height)
    for row, bank in enumerate(reversed(banks)):
        bottom = _BOTTOM + row * (panel + _BETWEEN)
        axes = canvas.axes(_LEFT, bottom, _RIGHT, height - bottom - panel)
        _panel(canvas, axes, facts, bank, panel)
        if row == 0:
            axes.set_xlabel("layers, in the order in which they run")
        if len(banks) > 1:
            axes.set_title(f"bank {bank}", loc="left", fontsize=size.font - 1, color=colour("muted"), pad=4)
    return canvas.svg("memory", "Which buffer stands where in the scratchpad, and how long")


def _panel(canvas: Canvas, axes: Axes, facts: MemoryMap, bank: int, height: int) -> None:
    size, base = canvas.size, bank * facts.bank_bytes
    columns, used = max(len(facts.layers), 1), facts.used[bank]
    per_column = (size.width - _LEFT - _RIGHT) / columns
    for span in facts.spans:
        if span.address // facts.bank_bytes != bank or span.last <= span.first:
            continue
        axes.add_patch(
            Rectangle(
                (span.first, (span.address - base) / _KIB),
                span.last - span.first,
                span.bytes / _KIB,
                facecolor=colour(span.kind),
                edgecolor=colour("card"),
                linewidth=1.0,
                gid=canvas.tip(f"{span.label}: {span.bytes:,} bytes from address {span.address:,}"),
            )
        )
        text = _fitting(canvas, span, (span.last - span.first) * per_column, span.bytes / used * height)
        middle = (span.first + span.last) / 2, (span.address - base + span.bytes / 2) / _KIB
        axes.text(*middle, text, ha="center", va="center", color=colour("card"), fontsize=size.font - 1)
    axes.set(xlim=(0, columns), ylim=(0, used * 1.02 / _KIB), ylabel="address, KiB")
    every = max(1, round(canvas.text_width("00") * 1.4 / per_column + 0.5))
    places = range(0, len(facts.layers), every)
    axes.set_xticks([place + 0.5 for place in places], [str(facts.layers[place]) for place in places])
    axes.tick_params(axis="x", length=0)
    axes.yaxis.set_major_locator(MaxNLocator(5))


def _fitting(canvas: Canvas, span: Span, wide: float, high: float) -> str:
    """What there is room for in a box of so many pixels: the buffer's size, or nothing."""
    text = f"{span.bytes / _KIB:.1f} KiB" if span.bytes >= _KIB else f"{span.bytes} B"
    font = canvas.size.font - 1
    return text if canvas.text_width(text, font) + 6 < wide and font + 3 < high else ""

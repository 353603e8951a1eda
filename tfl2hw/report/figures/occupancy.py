"""The array over time: how much of it makes products in each layer, and what the rest waits for."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from tfl2hw.codegen.account import LOSSES
from tfl2hw.report.cycles import LayerCycles

from .canvas import Canvas, Size, colour

_HEIGHT = 300
_ORDER = [name for name in LOSSES if name != "zeros"]


def occupancy(layers: Sequence[LayerCycles], size: Size) -> str:
    """A block a layer, as wide as its cycles; from the bottom what is used, then what is lost and why."""
    canvas = Canvas(size=size, height=_HEIGHT)
    axes = canvas.axes(64, 46, 12, 24)
    total = max(sum(layer.cycles for layer in layers), 1)
    pixels = (size.width - 76) / total
    for layer in layers:
        if not layer.cycles:
            continue
        bottom = 0.0
        shares = [("busy", layer.busy), *((name, layer.losses[name]) for name in _ORDER)]
        for name, count in shares:
            share = count / layer.cycles
            if share <= 0:
                continue
            what = "arithmetic" if name == "busy" else name
            tip = canvas.tip(f"layer {layer.index} {layer.op}: {what} {count:,} cycles, {share:.0%}")
            axes.add_patch(
                Rectangle(
                    (layer.start, bottom),
                    layer.cycles,
                    share,
                    facecolor=colour(name),
                    edgecolor=colour("card"),
                    linewidth=0.6,
                    gid=tip,
                )
            )
            bottom += share
        label = str(layer.index)
        if layer.cycles * pixels > canvas.text_width(label) + 4:
            middle = layer.start + layer.cycles / 2
            axes.text(
                middle, 1.02, label, ha="center", va="bottom", color=colour("muted"), fontsize=size.font - 1
            )
    axes.set(xlim=(0, total), ylim=(0, 1), ylabel="share of the array", xlabel="cycles; layer numbers above")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda cycles, _: f"{cycles:,.0f}"))
    axes.xaxis.set_major_locator(MaxNLocator(4 if size.name == "narrow" else 9, integer=True))
    return canvas.svg("occupancy", "Share of the array that is used in each layer over time")

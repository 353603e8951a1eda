"""The tutorial's pictures: the digits, and where the cycles of a compiled network go.

    python docs/tools/pictures.py digits FOLDER OUT.svg       digit_0.npy to digit_9.npy in FOLDER
    python docs/tools/pictures.py cycles REPORT.json OUT.svg  what `tfl2hw compile` wrote

Those in docs/images are of examples/digits and of build/digits/report.json, as the tutorial makes it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as plt
import numpy as np

SETTINGS = {"svg.fonttype": "none", "svg.hashsalt": "tfl2hw", "font.size": 9, "figure.facecolor": "white"}
"""Texts stay texts, names within the file do not depend on the time."""


def digits(folder: Path, out: Path) -> None:
    """The ten digits side by side."""
    figure, axes = plt.subplots(1, 10, figsize=(8, 1))
    for number, axis in enumerate(axes):
        axis.imshow(np.load(folder / f"digit_{number}.npy")[0, :, :, 0], cmap="gray_r")
        axis.set_title(f"digit_{number}")
        axis.axis("off")
    save(figure, out)


def cycles(report: Path, out: Path) -> None:
    """A bar for each layer: the arithmetic limit, and beside it what the other cycles are lost to."""
    facts = json.loads(report.read_text(encoding="utf-8"))
    layers = [layer for layer in facts["layers"] if layer["cycles"]]
    names = [name for name in layers[0]["losses"] if any(layer["losses"][name] > 0 for layer in layers)]
    series = {"limit": [layer["limit"] for layer in layers]}
    series |= {name: [max(0, layer["losses"][name]) for layer in layers] for name in names}
    figure, axis = plt.subplots(figsize=(8, 3.2), layout="constrained")
    colours = ["#2b6a4d", *plt.get_cmap("tab20").colors[2:]]  # type: ignore[attr-defined]
    rows = np.arange(len(layers))
    left = np.zeros(len(layers))
    for (name, values), colour in zip(series.items(), colours, strict=False):
        axis.barh(rows, values, left=left, color=colour, label=name)
        left += values
    axis.set_yticks(rows, labels_of(layers))
    axis.invert_yaxis()
    axis.set_xlabel(f"cycles; {facts['predicted_cycles']:,} in all")
    axis.legend(loc="lower right", ncols=2)
    save(figure, out)


def labels_of(layers: Sequence[dict[str, Any]]) -> list[str]:
    """What stands beside each bar."""
    return [f"{layer['index']} {layer['op']}: {layer['cycles']:,}" for layer in layers]


def save(figure: Any, out: Path) -> None:
    """Write ``figure``, without the date."""
    figure.savefig(out, metadata={"Date": None})
    plt.close(figure)


def main(arguments: Sequence[str]) -> None:
    """Make the picture that the arguments name."""
    if len(arguments) != 3 or arguments[0] not in ("digits", "cycles"):
        sys.exit(__doc__)
    with plt.rc_context(SETTINGS):
        {"digits": digits, "cycles": cycles}[arguments[0]](Path(arguments[1]), Path(arguments[2]))


if __name__ == "__main__":
    main(sys.argv[1:])

"""Options that several commands share, each spelt and explained once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tfl2hw.ops import Numerics

Model = Annotated[Path, typer.Argument(metavar="MODEL", help="An int8 .tflite file.", show_default=False)]
Directory = Annotated[
    Path, typer.Argument(metavar="DIR", help="What `tfl2hw build -o DIR` wrote.", show_default=False)
]
Board = Annotated[
    str, typer.Option("--board", help="A board's name; `tfl2hw boards` lists them.", show_default=False)
]
OptionalBoard = Annotated[
    str | None,
    typer.Option("--board", help="A board's name; `tfl2hw boards` lists them.", show_default=False),
]
Output = Annotated[
    Path, typer.Option("-o", "--output", metavar="DIR", help="Where the files go.", show_default=False)
]
Inputs = Annotated[
    list[Path] | None,
    typer.Option(
        "--input",
        metavar="FILE",
        help="An input: .npy of the type that the model takes or of floats, its raw bytes (.dat, .bin), a "
        "picture (.png, .jpg, .bmp), or a .wav with --features. May be repeated; a model with N inputs takes "
        "each N of them as one sample.",
        show_default=False,
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        metavar="FILE",
        help="Class names, one a line. Without it: labels.txt beside the model, or WORD_CLASS in the names "
        "of the inputs.",
        show_default=False,
    ),
]
Features = Annotated[
    str | None,
    typer.Option(
        "--features",
        metavar="FILE.py:FUNCTION",
        help="What makes the model's input of a .wav: FUNCTION(samples, rate) returns its values.",
        show_default=False,
    ),
]
Arithmetic = Annotated[Numerics, typer.Option("--numerics", help="The arithmetic to be exact to.")]
Lanes = Annotated[
    int | None, typer.Option("--lanes", help="Products a column makes a cycle (default: by search).")
]
Columns = Annotated[
    int | None, typer.Option("--columns", help="Filters worked on at once (default: by search).")
]
Reuse = Annotated[
    Path | None,
    typer.Option(
        "--reuse",
        metavar="DIR",
        help="Put MODEL's weights into the bitstream that `tfl2hw build -o DIR` made of a model of the same "
        "structure, in seconds; board and all else are as there.",
        show_default=False,
    ),
]
Reusable = Annotated[
    bool,
    typer.Option(
        "--reusable", help="Make the core a little wider, so that --reuse is likely to take other weights."
    ),
]
Overlay = Annotated[
    bool,
    typer.Option("--overlay", help="Without MODEL: one core, onto which any model that fits is loaded."),
]
CoreAlone = Annotated[
    bool,
    typer.Option(
        "--core", help="Write the core for a design of your own instead, for the chip of this board."
    ),
]
Generic = Annotated[
    bool,
    typer.Option("--generic", help="With --core: plain products instead of the chip's cells, for any chip."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, no progress.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Seeds = Annotated[
    int, typer.Option("--seeds", min=1, metavar="N", help="Place and route N times; the fastest is kept.")
]
Clock = Annotated[
    str | None,
    typer.Option(
        "--clock",
        metavar="MHZ",
        help="The core's clock in MHz, or auto: build again for the clock that was reached, up to four times "
        "(default: the board's).",
        show_default=False,
    ),
]

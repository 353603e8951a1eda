"""Pages of the documentation that are written from the values themselves.

docs/supported_ops.md is `tfl2hw ops --markdown`, docs/boards.md `tfl2hw boards --markdown`.
"""

from __future__ import annotations

from collections.abc import Iterable

from tfl2hw.boards import OURS, Board, Chip
from tfl2hw.ops import supported
from tfl2hw.ops.float_table import FUNCTIONS
from tfl2hw.passes.fold_constants import FOLDS
from tfl2hw.passes.fuse_activations import ACTIVATIONS

_HEAD = """\
# Supported operators

`tfl2hw ops --markdown` prints this page from the compiler's own constraints: what an error message says after
"accepted:" stands here too. `tfl2hw inspect MODEL` says of each operator of a model whether it is accepted,
which constraint it breaks, and how to convert the model.

A model has one subgraph, int8 activations, a batch of 1, and no state between runs. Its inputs and outputs
are int8; or float32 or uint8, where one QUANTIZE stands behind the input, and one DEQUANTIZE or QUANTIZE
before the output. The host then does that conversion, exactly as TFLite does it.
"""

_FOLDED = """\
## Evaluated by the compiler

With a batch of 1 the shape of every tensor is known. So these operators are accepted wherever all of their
inputs are known at compile time (SHAPE: always), as those are that compute shapes on int32 in a model with a
dynamic batch; they take no time in the hardware:
"""

_FUSED = """\
## Fused

A PAD goes into the padding of the VALID convolution that alone reads it. {activations} go into the clamp of
the operator that writes their input, if nothing else reads it.

FLOAT_TABLE is no operator of TFLite: it is a DEQUANTIZE, a QUANTIZE, and what stands between them in float32,
where that is a function of one tensor: {floats}, or POW to a constant power.
"""


def supported_ops_page() -> str:
    """The page: a section an operator, its constraints as a list."""
    names = [name for name, _ in supported()]
    index = " · ".join(f"[{name}](#{name.lower()})" for name in names)
    sections = [
        f"## {name}\n\n" + "".join(f"- {_sentence(text)}\n" for text in texts) for name, texts in supported()
    ]
    fused = _FUSED.format(activations=_list(ACTIVATIONS), floats=", ".join(FUNCTIONS))
    folded = f"{_FOLDED}\n{_list(FOLDS)}.\n"
    return "\n".join([_HEAD, f"{index}\n", *sections, fused, folded])


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _list(names: Iterable[str]) -> str:
    words = list(names)
    return f"{', '.join(words[:-1])} and {words[-1]}"


_BOARDS_HEAD = """\
# Boards

`tfl2hw boards --markdown` prints this page from the boards' own descriptions; `tfl2hw inspect MODEL` says for
each whether a model fits, with the numbers where it does not. What was built, with Fmax and resources, is in
[performance.md](performance.md#clocks-and-resources).

- *link*: how a host gets at the UART through which `tfl2hw run DIR --port PORT` speaks; 8N1.
- *core's clock*: what the design runs at unless `tfl2hw build --clock` says otherwise, made by a PLL.
- *products*: int8 products a cycle that the chip's DSPs make. More are made in LUTs, where a larger array is
  asked for or a chip has no DSPs.

| name | chip | link | oscillator MHz | core's clock MHz | products | memory for maps and weights |
|---|---|---|--:|--:|--:|---|
"""

_OWN_BOARD = """\
## A board of your own

`--board` takes a Python file too. It has a variable `BOARD`, most easily one of ours with other fields:

```python
from dataclasses import replace

from tfl2hw.boards import get

BOARD = replace(get("ulx3s-25f"), name="mine", clock_mhz=50.0, platform="my_board:MyPlatform")
```

`platform` names a class of an amaranth-boards platform (or a function that makes one), whose default clock
and resource `uart` are used. A package brings boards by entry points; `tfl2hw boards` lists them behind ours:

```toml
[project.entry-points."tfl2hw.boards"]
mine = "my_package:BOARD"
```

The fields are those of `tfl2hw.boards.Board`.
"""


def boards_page() -> str:
    """The page: a table of all boards, then how each is loaded and what to know of it."""
    real = [(board, board.chip) for board in OURS if board.chip is not None]
    rows = [
        f"| `{board.name}` | {chip.name} | {board.link} | {board.clock_mhz:g} | {board.target_mhz:g} | "
        f"{chip.multipliers} | {_memory(board, chip)} |\n"
        for board, chip in real
    ]
    sections = [_board_section(board) for board, _ in real]
    return "\n".join([_BOARDS_HEAD + "".join(rows), *sections, _OWN_BOARD])


def _memory(board: Board, chip: Chip) -> str:
    blocks = f"{chip.block_rams * chip.block_ram_bits // 8192} KiB of block RAM"
    return f"{chip.spram_bytes >> 10} KiB of SPRAM, {blocks}" if board.streamed else blocks


def _board_section(board: Board) -> str:
    loaders = " or ".join(f"`{' '.join(command)} FILE`" for command in board.program)
    text = (
        f"## {board.title}\n\n`--board {board.name}`. UART at {board.baud:,} baud: {board.link}. "
        f"`tfl2hw program DIR` calls {loaders}, whichever is installed."
    )
    if board.streamed:
        text += (
            " Weights stand in SPRAM, which a bitstream cannot fill: they come from the board's "
            "[flash](flash.md) at power-up."
        )
    if board.core is not None:
        text += (
            f" One bitstream, `tfl2hw build --overlay --board {board.name} -o DIR`, serves every model that "
            "fits, which `tfl2hw run` loads: [overlay.md](overlay.md)."
        )
    if board.clock_tolerance:
        text += (
            f" The clock is the chip's own oscillator, which may be off by {board.clock_tolerance:.0%}: "
            "timing is met with that, and the host may want a neighbouring rate (`--baud`)."
        )
    return text + "\n"

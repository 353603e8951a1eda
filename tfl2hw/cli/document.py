"""docs/supported_ops.md, written from the constraints themselves: `tfl2hw ops --markdown`."""

from __future__ import annotations

from collections.abc import Iterable

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

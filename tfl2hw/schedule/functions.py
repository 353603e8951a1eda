"""Functions that other packages bring: by name, and as jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from tfl2hw.errors import ExtensionError
from tfl2hw.extensions import Provided, provided
from tfl2hw.ir.primitives import Apply
from tfl2hw.rtl_templates.parts import VectorFunction

from .elementwise import words_in_turn
from .nest import Nest, Output, linear
from .shape import Target


@dataclass(frozen=True, kw_only=True, eq=False)
class Function:
    """A job of function number ``number`` of the model's, with ``fields`` as its register has them."""

    nest: Nest
    output: Output
    number: int
    fields: int


@cache
def functions() -> Mapping[str, Provided[VectorFunction]]:
    """All vector functions by name, with the packages that bring them. Raises ExtensionError."""
    return provided("vector function", VectorFunction, (), lambda extension: extension.functions)


def find_function(name: str) -> VectorFunction:
    """The function called ``name``.

    Raises
    ------
    ExtensionError : an operator wants one that no package has in its Extension.
    """
    found = functions().get(name)
    if found is None:
        raise ExtensionError(
            f"an operator wants the vector function {name!r}, which no installed package brings: its "
            "Extension has to have it among its functions"
        )
    return found.value


def apply(
    primitive: Apply,
    function: VectorFunction,
    target: Target,
    sources: tuple[str, ...],
    name: str,
    number: int,
) -> Function:
    """The words of the operands in turn."""
    pause = function.interval(target.lanes) - function.operands
    nest = words_in_turn(primitive.shape, target, sources, max(0, pause))
    height, words = nest.loops[4].count, nest.loops[3].count
    return Function(
        nest=nest,
        output=linear(name, words, target.lanes, height),
        number=number,
        fields=function.packed(primitive.fields),
    )

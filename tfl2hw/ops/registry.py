"""The operators by name: those of ``table``, then those that other packages bring."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import tflite

from tfl2hw.errors import ExtensionError
from tfl2hw.extensions import OURS, Provided, provided
from tfl2hw.ops.node import Kind
from tfl2hw.ops.table import OPERATORS

CUSTOM = "CUSTOM "
"""What the name of a custom operator begins with; its own name follows."""


def find(name: str) -> Kind | None:
    """The kind of the operators called ``name``, or None where nobody has it.

    Raises
    ------
    ExtensionError : it is none of ours, and an extension that may have it is broken.
    """
    if name in OPERATORS:  # without looking at other packages
        return OPERATORS[name]
    found = operators().get(name)
    return None if found is None else found.value


def known(name: str) -> Kind:
    """The kind of an operator that has been accepted."""
    kind = find(name)
    assert kind is not None, f"{name} was accepted, and there is no such operator"
    return kind


@cache
def operators() -> Mapping[str, Provided[Kind]]:
    """All operators by name, with the packages that bring them.

    Raises
    ------
    ExtensionError : an extension is broken, or an operator of one has a name that no file can have.
    """
    every = provided("operator", Kind, OPERATORS.values(), lambda extension: extension.operators)
    for name, each in every.items():
        custom = name.startswith(CUSTOM) and name.removeprefix(CUSTOM).strip()
        if each.package != OURS and not custom and not hasattr(tflite.BuiltinOperator, name):
            raise ExtensionError(
                f"the package {each.package} brings an operator {name!r}, which no file can have; accepted: "
                f"the name of a builtin operator of TFLite, or {CUSTOM!r} and the name of a custom one"
            )
    return every

"""The options of the operators that the compiler can evaluate itself, read as the schema has them.

They stand in ``Operator.options`` under the schema's names ("BeginMask"), beside what the operator's
kind parses under names of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import tflite

_FIELDS: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType({
    "ADD": ("AddOptions", ("FusedActivationFunction",)),
    "CONCATENATION": ("ConcatenationOptions", ("Axis", "FusedActivationFunction")),
    "GATHER": ("GatherOptions", ("Axis", "BatchDims")),
    "MUL": ("MulOptions", ("FusedActivationFunction",)),
    "PACK": ("PackOptions", ("Axis",)),
    "REDUCE_MAX": ("ReducerOptions", ("KeepDims",)),
    "REDUCE_MIN": ("ReducerOptions", ("KeepDims",)),
    "REDUCE_PROD": ("ReducerOptions", ("KeepDims",)),
    "SQUEEZE": ("SqueezeOptions", ("SqueezeDimsAsNumpy",)),
    "STRIDED_SLICE": (
        "StridedSliceOptions",
        ("BeginMask", "EndMask", "EllipsisMask", "NewAxisMask", "ShrinkAxisMask", "Offset"),
    ),
    "SUB": ("SubOptions", ("FusedActivationFunction",)),
    "SUM": ("ReducerOptions", ("KeepDims",)),
    "UNPACK": ("UnpackOptions", ("Axis",)),
})


def read(name: str, union: Any, found: str) -> dict[str, Any]:
    """The options of operator ``name`` that folding needs; none where its table is another."""
    table, fields = _FIELDS.get(name, ("", ()))
    if not fields or found != table:
        return {}
    options = getattr(tflite, table)()
    options.Init(union.Bytes, union.Pos)
    return {field: _plain(getattr(options, field)()) for field in fields}


def _plain(value: Any) -> Any:
    """A number, or a tuple of the numbers in a vector (the generated code gives 0 for an absent one)."""
    return tuple(int(each) for each in value) if hasattr(value, "__len__") else int(value)

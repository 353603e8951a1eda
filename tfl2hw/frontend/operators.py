"""Operators of the file: names, inputs, outputs and options."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import tflite

from tfl2hw.frontend import folding
from tfl2hw.frontend.file import ModelFile
from tfl2hw.ir.graph import Operator
from tfl2hw.ops.options import enum_name
from tfl2hw.ops.registry import CUSTOM, find

_BUILTIN_CODE_SLOT = 10
_OPTIONAL_TABLES = (
    "RESHAPE",
    "PAD",
    "PADV2",
    "SPLIT_V",
    "SLICE",
    "TRANSPOSE",
    "SQUEEZE",
    "EXPAND_DIMS",
    "GATHER",
    "SPACE_TO_BATCH_ND",
    "BATCH_TO_SPACE_ND",
    "TILE",
    "BROADCAST_TO",
    "REVERSE_V2",
)


def read_operators(file: ModelFile, subgraph: Any) -> tuple[Operator, ...]:
    """Every operator of ``subgraph`` in execution order; unsupported and unknown ones too."""
    codes = file.tables(file.root.OperatorCodesLength(), file.root.OperatorCodes, "operator codes")
    names = [_name(file, code) for code in codes]
    raw = file.tables(subgraph.OperatorsLength(), subgraph.Operators, "operators")
    return tuple(_operator(file, index, table, names) for index, table in enumerate(raw))


def _operator(file: ModelFile, index: int, table: Any, names: list[str]) -> Operator:
    code = table.OpcodeIndex()
    if code >= len(names):
        raise file.refuse(f"operator {index} has code index {code}, the file has {len(names)} operator codes")
    name = names[code]
    return Operator(
        index=index,
        op=name,
        inputs=tuple(int(i) for i in file.numbers(table.InputsAsNumpy(), "operator inputs")),
        outputs=tuple(int(i) for i in file.numbers(table.OutputsAsNumpy(), "operator outputs")),
        options=_options(file, f"operator {index} ({name})", name, table),
    )


def _options(file: ModelFile, where: str, name: str, table: Any) -> Mapping[str, Any]:
    """What the operator's kind parses of its options, and what folding it needs (`folding`)."""
    kind = find(name)
    if kind is not None and name.startswith(CUSTOM):
        raw = file.numbers(table.CustomOptionsAsNumpy(), "custom options")
        return MappingProxyType(dict(kind.parse(raw.astype(np.uint8).tobytes())))
    if kind is not None and not kind.options:
        return MappingProxyType(dict(kind.parse(None)))
    union, found = table.BuiltinOptions(), enum_name(tflite.BuiltinOptions, table.BuiltinOptionsType())
    present = union is not None and found != "NONE"
    if kind is None:
        return MappingProxyType(folding.read(name, union, found) if present else {})
    if not present:
        if name not in _OPTIONAL_TABLES:
            raise file.refuse(f"{where} carries no options; accepted: {kind.options}")
        return MappingProxyType(dict(kind.parse(None)))
    if found != kind.options:
        raise file.refuse(f"{where} carries {found}; accepted: {kind.options}")
    options = getattr(tflite, kind.options)()
    options.Init(union.Bytes, union.Pos)
    return MappingProxyType({**folding.read(name, union, found), **kind.parse(options)})


def _name(file: ModelFile, code: Any) -> str:
    """The operator's builtin name, CUSTOM with its own name, or UNKNOWN(code).

    The generated ``BuiltinCode()`` gives the deprecated 8-bit field for codes below 127, which files
    need not set: the larger of that and the new field's raw slot is the code.
    """
    number = max(int(code.DeprecatedBuiltinCode()), _raw_builtin_code(code))
    if number == tflite.BuiltinOperator.CUSTOM:
        return f"{CUSTOM}{file.text(code.CustomCode())}"
    return enum_name(tflite.BuiltinOperator, number)


def _raw_builtin_code(code: Any) -> int:
    table = code._tab
    offset = table.Offset(_BUILTIN_CODE_SLOT)
    return int(struct.unpack_from("<i", table.Bytes, table.Pos + offset)[0]) if offset else 0

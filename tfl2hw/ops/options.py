"""Reading the enumerations of operator options."""

from __future__ import annotations

from typing import Any

import tflite


def enum_name(enumeration: Any, value: int) -> str:
    """The name of ``value`` in one of the schema's enumerations; "UNKNOWN(value)" for none."""
    for name, number in vars(enumeration).items():
        if number == value and isinstance(number, int) and not name.startswith("_"):
            return str(name)
    return f"UNKNOWN({value})"


def activation(table: Any) -> str:
    """The fused activation of an options table."""
    return enum_name(tflite.ActivationFunctionType, table.FusedActivationFunction())


def padding(table: Any) -> str:
    """The padding scheme of an options table."""
    return enum_name(tflite.Padding, table.Padding())

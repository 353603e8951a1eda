"""A core's configuration as plain values, for files, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from tfl2hw.errors import UsageError
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.schedule.functions import find_function

from .multipliers import multipliers


def core_fields(config: CoreConfig) -> dict[str, Any]:
    """The fields of ``config``; parts that can be exchanged are there by their names."""
    values = {field.name: getattr(config, field.name) for field in fields(config)}
    if config.soft_multiplier is not None:
        values["soft_multiplier"] = config.soft_multiplier.name
    values["functions"] = [function.name for function in config.functions]
    return values


def core_from(values: Mapping[str, Any]) -> CoreConfig:
    """The configuration with these fields.

    Raises
    ------
    UsageError, ExtensionError : a part of it was brought by a package that is not there any more.
    """
    values = dict(values)
    name = values.get("soft_multiplier")
    if name is not None:
        if name not in multipliers():
            raise UsageError(f"the core has the multiplier {name}, whose package is not installed")
        values["soft_multiplier"] = multipliers()[name].value
    values["functions"] = tuple(find_function(each) for each in values.get("functions", ()))
    values["fixed"] = tuple((register, value) for register, value in values.get("fixed", ()))
    return CoreConfig(**values)

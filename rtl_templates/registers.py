"""Registers that the program writes, and those that are constants of the core."""

from __future__ import annotations

from amaranth.hdl import Const, Shape, Signal, Value

from .config import CoreConfig


def register(config: CoreConfig, name: str, shape: Shape) -> Value:
    """The register ``name``, without reset; a constant if it is one of ``config.fixed``."""
    value = config.constant(name)
    return Signal(shape, name=name, reset_less=True) if value is None else Const(value, shape)

"""A chain of registers."""

from amaranth.hdl import Module, Signal, Value, ValueLike


def delayed(m: Module, value: ValueLike, cycles: int, name: str) -> Value:
    """``value`` as it was ``cycles`` clock cycles ago; the registers have no reset."""
    value = Value.cast(value)
    for number in range(cycles):
        register = Signal(value.shape(), name=f"{name}_{number}", reset_less=True)
        m.d.sync += register.eq(value)
        value = register
    return value

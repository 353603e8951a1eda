"""A state machine with a bit for each state, where Amaranth's own is too slow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from operator import or_

from amaranth.hdl import Module, Mux, Signal


class States:
    """``with states.within(NAME):`` and ``states.go(NAME)`` instead of ``m.State`` and ``m.next``.

    Amaranth numbers its states, so that each decision begins with a decoder, and synthesis tools make long
    chains of what follows. Here a state is a bit, and the next state is the sum of what each state asks for.
    As with ``m.next``, the last ``go`` whose conditions hold counts; without one the state stays.

    The machine begins in the first of ``names``. ``finish`` has to be called behind the last state.
    """

    def __init__(self, m: Module, names: Sequence[str]) -> None:
        self._m = m
        self._numbers = {name: number for number, name in enumerate(names)}
        self._state = Signal(len(names), init=1)
        self._asked = [Signal(len(names), name=f"behind_{name.lower()}", init=1 << n) for name, n in
                       self._numbers.items()]  # fmt: skip
        self._inside = 0

    @contextmanager
    def within(self, name: str) -> Iterator[None]:
        """What happens in the state ``name``."""
        self._inside = self._numbers[name]
        with self._m.If(self._state[self._inside]):
            yield

    def go(self, name: str) -> None:
        """From the state that is being described the machine goes on to ``name``."""
        self._m.d.comb += self._asked[self._inside].eq(1 << self._numbers[name])

    def finish(self) -> None:
        """Makes the register of the state."""
        bits = [Mux(bit, asked, 0) for bit, asked in zip(self._state, self._asked, strict=True)]
        self._m.d.sync += self._state.eq(reduce(or_, bits))

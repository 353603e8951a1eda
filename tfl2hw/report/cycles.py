"""Where the cycles of each layer go, and those of the whole inference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tfl2hw.codegen import Compiled
from tfl2hw.codegen.account import LOSSES

from .network import tensor_name


@dataclass(frozen=True, kw_only=True)
class LayerCycles:
    """A layer's account: ``limit`` and ``losses`` sum to ``cycles``, which begin in cycle ``start``.

    ``words_read`` are those that it reads from the scratchpad; a word has as many bytes as the array lanes.
    """

    index: int
    op: str
    name: str
    macs: int
    start: int
    cycles: int
    limit: int
    losses: dict[str, int]
    why: str
    words_read: int

    @property
    def busy(self) -> int:
        """Cycles' worth of products that were made: what was left out of the limit is not among them."""
        return self.limit + self.losses["zeros"]

    @property
    def occupancy(self) -> float:
        """Share of the array's products that the layer's arithmetic used."""
        return self.busy / max(self.cycles, 1)


@dataclass(frozen=True, kw_only=True)
class Totals:
    """The same, of all layers; ``lost`` is the sum of the losses."""

    macs: int
    cycles: int
    limit: int
    lost: int
    losses: dict[str, int]
    words_read: int


def layers_of(compiled: Compiled) -> tuple[LayerCycles, ...]:
    """The account of every layer, as they run."""
    start, found = 0, []
    for layer, account, words in zip(
        compiled.schedule.layers, compiled.accounts(), compiled.words_read(), strict=True
    ):
        found.append(
            LayerCycles(
                index=layer.op_index,
                op=layer.op,
                name=tensor_name(compiled, layer.outputs[-1]),
                macs=layer.macs,
                start=start,
                cycles=account.cycles,
                limit=account.limit,
                losses=account.losses,
                why=account.why(),
                words_read=words,
            )
        )
        start += account.cycles
    return tuple(found)


def totals_of(layers: Sequence[LayerCycles]) -> Totals:
    """The sums over ``layers``."""
    losses = {name: sum(layer.losses[name] for layer in layers) for name in LOSSES}
    return Totals(
        macs=sum(layer.macs for layer in layers),
        cycles=sum(layer.cycles for layer in layers),
        limit=sum(layer.limit for layer in layers),
        lost=sum(losses.values()),
        losses=losses,
        words_read=sum(layer.words_read for layer in layers),
    )

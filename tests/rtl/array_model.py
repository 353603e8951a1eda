"""What columns compute, token by token: the reference of the array's benches."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from dataclasses import dataclass, field

from tests.rtl.support import signed_bytes
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.isa import PLACES, token_flags

STALE = 2
"""Tokens between the write of a bank's word and the first one that may use it."""


@dataclass(kw_only=True)
class Token:
    """A token and its word (bytes)."""

    x: list[int]
    valid: int = 1
    first: int = 0
    last: int = 0
    final: int = 0
    pick: int = 0
    write: int = 0
    destination: int = 0
    address: int = 0
    offset: int = 0
    modes: tuple[str, ...] = ()
    """Those of ``product``, ``maximum``, ``minimum``, ``digit`` and ``pair`` that are set."""

    def fields(self) -> dict[str, int]:
        fields = {name: value for name, value in vars(self).items() if name not in ("x", "modes")}
        return fields | dict.fromkeys(self.modes, 1)


@dataclass(kw_only=True)
class ColumnModel:
    """A column: its bank (words as lists of bytes), the bytes it picked, its accumulator."""

    config: CoreConfig
    index: int
    bank: list[list[int]]
    picked: deque[int] = field(default_factory=lambda: deque([0] * 7, 7))
    places: dict[int, deque[int]] = field(default_factory=lambda: defaultdict(lambda: deque([0] * 3, 3)))
    place: int = 0
    factor: int = 0
    accumulator: int = 0
    upper: int = 0

    def take(self, token: Token) -> int | None:
        """The finished accumulator, if this token closes a pixel; ``upper`` is that of the upper half."""
        if token.write and token.destination == self.index:
            self.bank[token.address] = token.x
        if not token.valid:
            return None
        operand, weights = list(token.x), list(self.bank[token.address])
        if token.pick:
            columns = self.config.columns
            self.picked.append(token.x[token.offset // columns * columns + self.index])
            window = self._window(token)
            operand[: len(window)] = window
            if self.config.pair:
                half = self.config.lanes // 2
                operand[half : half + 3] = window
        if "product" in token.modes:
            operand[:3] = [self.picked[-1]] * 3
            if not token.first:
                weights[0] = self.factor
            self.factor = self.picked[-1] if token.first else self.factor
        products = [x * w for x, w in zip(operand, weights, strict=True)]
        upper, total = sum(products[self.config.lanes // 2 :]), sum(products)
        self.upper = upper if token.first else self.upper + upper
        total -= upper if "pair" in token.modes else 0
        self.accumulator = total if token.first else self._after(total, token.modes)
        return self.accumulator if token.last else None

    def _window(self, token: Token) -> tuple[int, ...]:
        """The picked byte and those before it that the first lanes hold."""
        if not self.config.window:
            return (self.picked[-1],)
        if not self.config.pair:
            return (self.picked[-1], self.picked[-4], self.picked[-7])
        self.place = 0 if token.first else (self.place + 1) % PLACES
        self.places[self.place].append(self.picked[-1])
        return tuple(reversed(self.places[self.place]))

    def _after(self, total: int, modes: tuple[str, ...]) -> int:
        if "maximum" in modes:
            return max(self.accumulator, total)
        if "minimum" in modes:
            return min(self.accumulator, total)
        return self.accumulator * (128 if "digit" in modes else 1) + total


def random_bank(generator: random.Random, config: CoreConfig) -> list[list[int]]:
    return [signed_bytes(generator, config.lanes) for _ in range(config.bank_depth)]


def random_pixels(
    generator: random.Random,
    config: CoreConfig,
    count: int,
    *,
    pick: bool,
    bubbles: float,
    final_every: int = 5,
) -> list[Token]:
    """Pixels of 1 to 5 words (3 with ``pick``), never closer than the requantizers can follow."""
    tokens = []
    since = 0
    for pixel in range(count):
        words = 3 if pick else generator.randrange(1, 6)
        for number in range(words):
            wait = generator.randrange(1, 6) if generator.random() < bubbles else 0
            last = number == words - 1
            if last:
                wait = max(wait, config.chain - since - 1)
            since = 0 if last else since + 1 + wait
            for _ in range(wait):
                tokens.append(stray_token(generator, config))
            tokens.append(
                Token(
                    x=signed_bytes(generator, config.lanes),
                    first=int(number == 0),
                    last=int(last),
                    final=int(last and pixel % final_every == final_every - 1),
                    pick=int(pick),
                    address=generator.randrange(config.bank_depth),
                    offset=generator.randrange(0, config.lanes, config.columns),
                    destination=generator.randrange(1 << config.destination_bits),
                )
            )
    return tokens


def mode_pixels(
    generator: random.Random, config: CoreConfig, count: int, mode: str, *, bubbles: float
) -> list[Token]:
    """Pixels of 2 tokens ("product"), of 1 to 5 picked bytes ("maximum", "minimum") or of 1 to 4 words,
    at most two of which open another digit ("digit"). Bank words for bytes alone: see ``byte_bank``.
    """
    tokens: list[Token] = []
    for pixel in range(count):
        words = {"product": 2, "digit": generator.randrange(1, 5)}.get(mode, generator.randrange(1, 6))
        tokens += [stray_token(generator, config) for _ in range(config.chain - 1)]
        digits = generator.sample(range(1, 5), 2)
        for number in range(words):
            last = number == words - 1
            wait = generator.randrange(1, 6) if generator.random() < bubbles else 0
            tokens += [stray_token(generator, config) for _ in range(wait)]
            tokens.append(
                Token(
                    x=signed_bytes(generator, config.lanes),
                    first=int(number == 0),
                    last=int(last),
                    final=int(last and pixel % 5 == 4),
                    pick=int(mode != "digit"),
                    address=generator.randrange(config.bank_depth),
                    offset=generator.randrange(0, config.lanes, config.columns),
                    modes=(mode,) if mode != "digit" or number in digits else (),
                )
            )
    return tokens


def pair_pixels(
    generator: random.Random, config: CoreConfig, count: int, words: int, *, bubbles: float
) -> list[Token]:
    """Pixels of ``words`` picked bytes with two results each, every third of which leaves none."""
    tokens: list[Token] = []
    since = 2 * config.chain
    for pixel in range(count):
        for number in range(words):
            wait = generator.randrange(1, 6) if generator.random() < bubbles else 0
            last = number == words - 1 and pixel % 3 < 2
            wait = max(wait, 2 * config.chain - since - 1) if last else wait
            since = 0 if last else since + 1 + wait
            tokens += [stray_token(generator, config) for _ in range(wait)]
            tokens.append(
                Token(
                    x=signed_bytes(generator, config.lanes),
                    first=int(number == 0),
                    last=int(last),
                    final=int(last and pixel % 5 == 4),
                    pick=1,
                    address=generator.randrange(config.bank_depth),
                    offset=generator.randrange(0, config.lanes, config.columns),
                    modes=("pair",),
                )
            )
    return tokens + [stray_token(generator, config) for _ in range(2 * config.chain)]


def byte_bank(generator: random.Random, config: CoreConfig) -> list[list[int]]:
    """Words that give the byte in lane 0 or its opposite: what maxima and minima may be taken of."""
    return [[generator.choice((1, -1))] + [0] * (config.lanes - 1) for _ in range(config.bank_depth)]


def stray_token(generator: random.Random, config: CoreConfig) -> Token:
    """A cycle without a token: its other flags may be anything."""
    return Token(
        x=signed_bytes(generator, config.lanes),
        valid=0,
        first=generator.randrange(2),
        last=generator.randrange(2),
        final=generator.randrange(2),
        pick=generator.randrange(2),
        address=generator.randrange(config.bank_depth),
        destination=generator.randrange(1 << config.destination_bits),
        offset=generator.randrange(config.lanes),
        modes=tuple(name for name in token_flags(config) if generator.randrange(2)),
    )


def load_tokens(config: CoreConfig, banks: list[list[list[int]]], generator: random.Random) -> list[Token]:
    """Every bank's words, as a load brings them, then what keeps the first use off the last write."""
    tokens = [
        Token(
            valid=0,
            write=1,
            destination=column,
            address=address,
            x=word,
            offset=generator.randrange(config.lanes),
            last=generator.randrange(2),
            first=generator.randrange(2),
            pick=generator.randrange(2),
        )
        for column, bank in enumerate(banks)
        for address, word in enumerate(bank)
    ]
    return tokens + [Token(valid=0, x=[0] * config.lanes) for _ in range(STALE)]

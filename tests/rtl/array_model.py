"""What columns compute, token by token: the reference of the array's benches."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field

from tests.rtl.support import signed_bytes
from tfl2hw.rtl_templates.config import CoreConfig

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

    def fields(self) -> dict[str, int]:
        return {name: value for name, value in vars(self).items() if name != "x"}


@dataclass(kw_only=True)
class ColumnModel:
    """A column: its bank (words as lists of bytes), the bytes it picked, its accumulator."""

    config: CoreConfig
    index: int
    bank: list[list[int]]
    picked: deque[int] = field(default_factory=lambda: deque([0] * 7, 7))
    accumulator: int = 0

    def take(self, token: Token) -> int | None:
        """The finished accumulator, if this token closes a pixel."""
        if token.write and token.destination == self.index:
            self.bank[token.address] = token.x
        if not token.valid:
            return None
        operand = list(token.x)
        if token.pick:
            columns = self.config.columns
            self.picked.append(token.x[token.offset // columns * columns + self.index])
            window = (self.picked[-1], self.picked[-4], self.picked[-7])
            operand[: 3 if self.config.window else 1] = window if self.config.window else window[:1]
        products = (x * w for x, w in zip(operand, self.bank[token.address], strict=True))
        self.accumulator = (0 if token.first else self.accumulator) + sum(products)
        return self.accumulator if token.last else None


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

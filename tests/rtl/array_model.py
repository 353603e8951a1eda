"""What columns compute, token by token: the reference of the array's benches."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from dataclasses import dataclass, field

from tests.rtl.support import signed_bytes
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.isa import token_flags

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
    place: int = 0
    modes: tuple[str, ...] = ()
    """Those of ``product``, ``maximum``, ``minimum``, ``digit``, ``pair`` and ``twin`` that are set."""

    @property
    def division(self) -> tuple[int, int]:
        """Lines and channels at a time."""
        return (2 if "pair" in self.modes else 1), (2 if "twin" in self.modes else 1)

    def fields(self) -> dict[str, int]:
        fields = {name: value for name, value in vars(self).items() if name not in ("x", "modes")}
        return fields | dict.fromkeys(self.modes, 1)


@dataclass(kw_only=True)
class ColumnModel:
    """A column: its bank (words as lists of bytes), the bytes it picked, its accumulator."""

    config: CoreConfig
    index: int
    bank: list[list[int]]
    picked: int = 0
    places: dict[tuple[int, int], deque[int]] = field(
        default_factory=lambda: defaultdict(lambda: deque([0] * 32, 32))
    )
    factor: int = 0
    accumulator: int = 0
    others: list[int] = field(default_factory=lambda: [0] * 3)

    def take(self, token: Token) -> list[int] | None:
        """The finished sums in the order in which they leave, if this token closes a pixel.

        A place's window means something if all tokens since it was filled had the same division of the lanes.
        """
        if token.write and token.destination == self.index:
            self.bank[token.address] = token.x
        if not token.valid:
            return None
        operand, weights = list(token.x), list(self.bank[token.address])
        if token.pick:
            self._pick(token, operand)
        if "product" in token.modes:
            operand[:3] = [self.picked] * 3
            if not token.first:
                weights[0] = self.factor
            self.factor = self.picked if token.first else self.factor
        products = [x * w for x, w in zip(operand, weights, strict=True)]
        total, *others = self._sums(products, token.division)
        before = [0] * 3 if token.first else self.others
        self.others = [sum(each) for each in zip(before, others, strict=False)]
        self.accumulator = total if token.first else self._after(total, token.modes)
        return [self.accumulator, *self.others] if token.last else None

    def _pick(self, token: Token, operand: list[int]) -> None:
        """Puts the window of the token's place, this token's bytes in front, into the parts' first lanes."""
        lines, channels = token.division
        lanes, columns = self.config.lanes, self.config.columns
        size, depth = lanes // (lines * channels), max(1, self.config.window)
        for channel in range(channels):
            byte = token.x[(token.offset // columns + channel) * columns + self.index]
            self.picked = byte if channel == 0 else self.picked
            history = self.places[token.place, channel]
            history.appendleft(byte)
            for line in range(lines):
                start = channel * lanes // 2 + line * size
                count = min(size, depth)
                operand[start : start + count] = list(history)[:count]

    @staticmethod
    def _sums(products: list[int], division: tuple[int, int]) -> list[int]:
        """The sums of the parts in the order in which they leave: the channel changes first."""
        lines, channels = division
        size = len(products) // (lines * channels)
        starts = [
            channel * len(products) // 2 + line * size for line in range(lines) for channel in range(channels)
        ]
        return [sum(products[start : start + size]) for start in starts]

    def _after(self, total: int, modes: tuple[str, ...]) -> int:
        if "maximum" in modes:
            return max(self.accumulator, total)
        if "minimum" in modes:
            return min(self.accumulator, total)
        return self.accumulator * (128 if "digit" in modes else 1) + total


def random_bank(generator: random.Random, config: CoreConfig) -> list[list[int]]:
    """Random words, so that each division of the lanes has some with weights for the windows' bytes alone."""
    bank = [signed_bytes(generator, config.lanes) for _ in range(config.bank_depth)]
    for division in ((1, 1), *config.divisions):
        lines, channels = division
        size = config.lanes // (lines * channels)
        for address in window_words(config, division):
            for lane in range(config.lanes):
                bank[address][lane] *= lane % size < max(1, config.window)
    return bank


def window_words(config: CoreConfig, division: tuple[int, int]) -> range:
    """Addresses of the words of ``random_bank`` meant for ``division``; none where any word will do."""
    if not (config.window or config.divisions):
        return range(0)
    every = ((1, 1), *config.divisions)
    return range(every.index(division), config.bank_depth, len(every) + 1)


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
                    address=generator.choice(
                        (pick and window_words(config, (1, 1))) or range(config.bank_depth)
                    ),
                    offset=generator.randrange(0, config.lanes, config.columns),
                    place=number % config.places if pick else generator.randrange(config.places),
                    destination=generator.randrange(1 << config.destination_bits),
                )
            )
    return tokens


def mode_pixels(
    generator: random.Random, config: CoreConfig, count: int, mode: str, *, bubbles: float
) -> list[Token]:
    """Pixels of 2 tokens ("product"), of 1 to 5 picked bytes ("maximum", "minimum") or of 1 to 4 words,
    at most two of which open another digit ("digit"). Bank words for bytes alone: see ``byte_bank``.
    Neighbouring tokens have places of their own.
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
                    address=generator.choice(window_words(config, (1, 1)) or range(config.bank_depth)),
                    offset=generator.randrange(0, config.lanes, config.columns),
                    place=len(tokens) % config.places,
                    modes=(mode,) if mode != "digit" or number in digits else (),
                )
            )
    return tokens + [stray_token(generator, config) for _ in range(2)]


def window_pixels(
    generator: random.Random,
    config: CoreConfig,
    count: int,
    words: int,
    *,
    bubbles: float,
    division: tuple[int, int] = (1, 1),
) -> list[Token]:
    """Pixels of ``words`` picked bytes with a result for each part, every third of which leaves none.

    The first ones, as many as the window is long, leave none either: what came before is not theirs.
    """
    lines, channels = division
    modes, parts = ("pair",) * (lines - 1) + ("twin",) * (channels - 1), lines * channels
    tokens: list[Token] = []
    since = parts * config.chain
    for pixel in range(count):
        for number in range(words):
            wait = generator.randrange(1, 6) if generator.random() < bubbles else 0
            last = number == words - 1 and pixel % 3 < 2 and pixel >= config.window - 1
            wait = max(wait, parts * config.chain - since - 1) if last else wait
            since = 0 if last else since + 1 + wait
            tokens += [stray_token(generator, config) for _ in range(wait)]
            tokens.append(
                Token(
                    x=signed_bytes(generator, config.lanes),
                    first=int(number == 0),
                    last=int(last),
                    final=int(last and pixel % 5 == 4),
                    pick=1,
                    address=generator.choice(window_words(config, division) or range(config.bank_depth)),
                    offset=generator.randrange(0, config.lanes, config.columns * channels),
                    place=number,
                    modes=modes,
                )
            )
    return tokens + [stray_token(generator, config) for _ in range(parts * config.chain)]


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
        place=generator.randrange(config.places),
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

"""A word by which a host recognises what a core's memories hold, beside the identity of its design.

A core keeps its identity when its memories get other contents (see ``reuse``), so that the identity alone
does not tell whose weights are in it. Where block RAM holds everything from the start, the scratchpad's last
word is a hash of it all, which no program writes.
"""

from __future__ import annotations

import hashlib

from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.image import Image

BLOCK_WORDS = {"ecp5": 512, "ice40": 256, "sim": 256}
"""Words of a block RAM at its widest: a scratchpad that fills some to the end gets no witness."""

WITNESS_BYTES = 4
"""Of the hash, in a word of at least as many bytes."""


def contents_hash(image: Image) -> bytes:
    """Tells apart what two cores of one design hold: ``WITNESS_BYTES`` bytes."""
    return hashlib.sha256(repr(image).encode()).digest()[:WITNESS_BYTES]


def words_with_witness(words: int, family: str) -> int:
    """Words of a scratchpad of which a program uses ``words``: one more if that costs no block RAM."""
    return words if words % BLOCK_WORDS[family] == 0 else words + 1


def witness_address(config: CoreConfig, used: int) -> int | None:
    """The byte address of the witness beside ``used`` bytes, if it has one."""
    address = (config.scratchpad_words - 1) * config.lanes
    return address if config.scratchpad == "block" and used <= address else None

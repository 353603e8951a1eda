"""What a configuration accepts, and what its flags add to a token."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rtl.support import make_config
from tfl2hw.rtl_templates.isa import token_layout


@pytest.mark.parametrize(
    ("flag", "fields"),
    [
        ("product", ["product"]),
        ("maximum", ["maximum", "minimum"]),
        ("digits", ["digit"]),
        ("pair", ["pair"]),
        ("twin", ["twin"]),
    ],
)
def test_flags_of_the_columns(flag: str, fields: list[str]) -> None:
    """A core without them has no bit for them; only truth values are accepted."""
    plain, more = make_config((8, 4, 1)), make_config((8, 4, 1), **{flag: True})
    names = [name for name, _ in token_layout(plain)]
    assert [name for name, _ in token_layout(more)] == names + fields
    with pytest.raises(ValueError, match=f"{flag} must be True or False, not 1"):
        make_config(**{flag: 1})


@pytest.mark.parametrize(
    ("shape", "changes", "message"),
    [
        ((8, 8, 1), {"window": 9}, "window must be from 0 to 8, not 9"),
        ((32, 8, 1), {"window": 17}, "window must be from 0 to 16, not 17"),
        ((8, 8, 1), {"places": 3}, "places must be a power of two up to 16, not 3"),
        ((8, 8, 1), {"single": 1}, "single must be True or False, not 1"),
        ((4, 4, 1), {"pair": True}, "pair must be False with fewer than 8 lanes"),
        ((8, 4, 1), {"quad": True}, "quad must be False with fewer than 16 lanes"),
        ((16, 16, 1), {"quad": True}, "quad must be False with as many columns as lanes"),
    ],
)
def test_windows_that_cannot_be(shape: tuple[int, int, int], changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_config(shape, **changes)


def test_divisions() -> None:
    """How many sums a column makes, lines and channels at a time, follow from the divisions of the lanes."""
    for changes, found in (
        ({}, ((), 1, 1, 1)),
        ({"pair": True}, (((2, 1),), 2, 2, 1)),
        ({"twin": True}, (((1, 2),), 2, 1, 2)),
        ({"pair": True, "quad": True}, (((2, 1), (2, 2)), 4, 2, 2)),
    ):
        config = make_config((16, 8, 1), **changes)
        assert (config.divisions, config.parts, config.lines, config.channels) == found

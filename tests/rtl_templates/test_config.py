"""What a configuration accepts, and what its flags add to a token."""

from __future__ import annotations

import pytest

from tests.rtl.support import make_config
from tfl2hw.rtl_templates.isa import token_layout


@pytest.mark.parametrize(
    ("flag", "fields"),
    [("product", ["product"]), ("maximum", ["maximum", "minimum"]), ("digits", ["digit"])],
)
def test_flags_of_the_columns(flag: str, fields: list[str]) -> None:
    """A core without them has no bit for them; only truth values are accepted."""
    plain, more = make_config(), make_config(**{flag: True})
    names = [name for name, _ in token_layout(plain)]
    assert [name for name, _ in token_layout(more)] == names + fields
    with pytest.raises(ValueError, match=f"{flag} must be True or False, not 1"):
        make_config(**{flag: 1})

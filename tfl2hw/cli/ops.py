"""`tfl2hw ops`: the operators, and what is accepted of each."""

from __future__ import annotations

from tfl2hw.cli.options import Json
from tfl2hw.cli.terminal import print_json, print_table
from tfl2hw.ops import supported


def ops(json: Json = False) -> None:
    """List the operators that are supported, with what is accepted of each."""
    operators = supported()
    if json:
        print_json({"operators": [{"name": name, "accepts": accepts} for name, accepts in operators]})
        return
    rows = [(name, "\n".join(accepts)) for name, accepts in operators]
    print_table("", ("operator", "accepted"), rows)

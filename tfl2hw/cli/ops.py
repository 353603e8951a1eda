"""`tfl2hw ops`: the operators, and what is accepted of each."""

from __future__ import annotations

from typing import Annotated

import typer

from tfl2hw.cli.document import supported_ops_page
from tfl2hw.cli.options import Json
from tfl2hw.cli.terminal import print_json, print_table
from tfl2hw.ops import supported


def ops(
    json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print docs/supported_ops.md.")] = False,
) -> None:
    """List the operators that are supported, with what is accepted of each."""
    operators = supported()
    if json:
        print_json({"operators": [{"name": name, "accepts": accepts} for name, accepts in operators]})
        return
    if markdown:
        typer.echo(supported_ops_page(), nl=False)
        return
    rows = [(name, "\n".join(accepts)) for name, accepts in operators]
    print_table("", ("operator", "accepted"), rows)

"""`tfl2hw ops`: the operators, and what is accepted of each."""

from __future__ import annotations

from typing import Annotated

import typer

from tfl2hw.cli.document import supported_ops_page
from tfl2hw.cli.options import Json
from tfl2hw.cli.terminal import print_json, print_table
from tfl2hw.extensions import OURS
from tfl2hw.ops import operators, supported


def ops(
    json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print docs/supported_ops.md.")] = False,
) -> None:
    """List the operators that are supported, with what is accepted of each, extensions' behind ours."""
    if markdown:
        typer.echo(supported_ops_page(), nl=False)
        return
    every = operators().values()
    accepted = supported(each.value for each in every)
    rows = [(name, each.package, texts) for each, (name, texts) in zip(every, accepted, strict=True)]
    if json:
        listed = [{"name": name, "package": package, "accepts": texts} for name, package, texts in rows]
        print_json({"operators": listed})
        return
    table = [(_titled(name, package), "\n".join(texts)) for name, package, texts in rows]
    print_table("", ("operator", "accepted"), table)


def _titled(name: str, package: str) -> str:
    return name if package == OURS else f"{name}\nof {package}"

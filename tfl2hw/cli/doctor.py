"""`tfl2hw doctor`: what is installed, what is missing, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from tfl2hw.cli.checkup import ABILITIES, EXTRA, Check, able, broken, checkup
from tfl2hw.cli.options import Json
from tfl2hw.cli.terminal import print_json, print_table, say
from tfl2hw.errors import ToolError, UsageError


def doctor(
    needed: Annotated[
        list[str] | None,
        typer.Option(
            "--need",
            metavar="WHAT",
            help=f"What must be possible: {', '.join(ABILITIES)}, or an extra's name. May be repeated.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Check Python, compiler, simulator, tools, cache, serial ports and plugins.

    Exits with 3 where something is missing that compiling, an installed extra or --need takes.
    """
    wanted = _known(needed or [])
    checks = checkup()
    wrong = broken(checks, wanted)
    if json:
        print_json({
            "ok": not wrong,
            "able": {ability: able(checks, ability) for ability in ABILITIES},
            "checks": [asdict(check) | {"state": _state(check, wrong)} for check in checks],
        })
    else:
        _print(checks, wrong)
    if wrong:
        raise typer.Exit(ToolError.exit_code)


def _known(needed: list[str]) -> tuple[str, ...]:
    """The abilities that ``--need`` names, by their own names or by those of their extras."""
    known = {ability: ability for ability in ABILITIES}
    known |= {extra: ability for ability, extra in EXTRA.items()}
    for name in needed:
        if name not in known:
            raise UsageError(f"--need {name}: accepted: {', '.join(known)}")
    return tuple(known[name] for name in needed)


def _state(check: Check, wrong: list[Check]) -> str:
    """Whether it is "ok", "missing" and needed, or "absent", which does no harm."""
    return "missing" if check in wrong else "absent" if check.missing else "ok"


def _print(checks: list[Check], wrong: list[Check]) -> None:
    rows = [
        (check.name, check.needed_for or "-", _state(check, wrong), check.found or check.advice)
        for check in checks
    ]
    print_table("", ("what", "needed for", "", "found, or what to do"), rows)
    for ability in ABILITIES:
        missing = [check.name for check in checks if check.missing and check.needed_for == ability]
        say(f"{ability}: {'yes' if not missing else 'no, without ' + ', '.join(missing)}")

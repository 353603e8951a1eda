"""The program `tfl2hw`: its commands, and what becomes of an error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

import tfl2hw
from tfl2hw.cli.boards import boards
from tfl2hw.cli.build import build
from tfl2hw.cli.compile import compile_command
from tfl2hw.cli.doctor import doctor
from tfl2hw.cli.failure import report_failure
from tfl2hw.cli.inspect import inspect
from tfl2hw.cli.ops import ops
from tfl2hw.cli.program import program
from tfl2hw.cli.run import run
from tfl2hw.cli.simulate import simulate
from tfl2hw.cli.verify import verify

COMMANDS: dict[str, Callable[..., None]] = {
    "boards": boards,
    "ops": ops,
    "inspect": inspect,
    "compile": compile_command,
    "simulate": simulate,
    "build": build,
    "program": program,
    "run": run,
    "verify": verify,
    "doctor": doctor,
}

app = typer.Typer(
    name="tfl2hw",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tfl2hw {tfl2hw.__version__}")
        raise typer.Exit()


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a fault in tfl2hw.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """An int8 .tflite network in, exact bytes and an FPGA bitstream out."""


for _name, _command in COMMANDS.items():
    app.command(_name)(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 fine, 1 not bit-exact or timing missed, 2 refused, 3 a tool failed."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(args=words, prog_name="tfl2hw")
    except Exception as error:
        if "--debug" in words:
            raise
        sys.exit(report_failure(error))


if __name__ == "__main__":
    main()

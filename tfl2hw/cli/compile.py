"""`tfl2hw compile`: program, weight image, Verilog and report, without place and route."""

from __future__ import annotations

from tfl2hw.cli import report
from tfl2hw.cli.options import (
    Arithmetic,
    Board,
    Columns,
    CoreAlone,
    Generic,
    Json,
    Lanes,
    Model,
    Output,
    Quiet,
)
from tfl2hw.cli.store import Settings, keep
from tfl2hw.cli.terminal import note, print_json, print_table, progress, say, short
from tfl2hw.codegen.embed import check_embeddable, write_core
from tfl2hw.codegen.tools import INSTALL
from tfl2hw.codegen.write import write_files
from tfl2hw.codegen.yosys import has_yosys
from tfl2hw.errors import UsageError
from tfl2hw.report import write_report


def compile_command(
    model: Model,
    board: Board,
    output: Output,
    numerics: Arithmetic = "litert-ref",
    lanes: Lanes = None,
    columns: Columns = None,
    core: CoreAlone = False,
    generic: Generic = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the program, the weight image, the Verilog of core and board top, and a report.

    With --core: Verilog of the core for another design, bare, between AXI4-Streams and behind Wishbone.
    """
    settings = Settings(board=board, numerics=numerics, lanes=lanes, columns=columns)
    with progress("compiling", shown=not (json or quiet)) as tell:
        if generic and not core:
            raise UsageError(
                "--generic goes with --core: a board's bitstream is made of its chip's own cells."
            )
        if core:
            check_embeddable(board)
        compiled = settings.compile(model, strips=not core)
        tell("writing Verilog" if has_yosys() else "writing RTLIL", None)
        if core:
            files = write_core(compiled, output, generic=generic)
        else:
            files = write_files(compiled, output) + keep(model, settings.settled(compiled), output)
        tell("writing the report", None)
        found, pages = write_report(compiled, output)
        files += pages
    if not has_yosys():
        note(f"the hardware is written as RTLIL: Verilog takes Yosys, {INSTALL}")
    facts = report.compilation(compiled, files) | report.figures(found, pages)
    if json:
        print_json(facts)
        return
    rows = [
        (short(layer["name"]), layer["op"], layer["macs"], layer["cycles"], layer["why"])
        for layer in facts["layers"]
    ]
    report.print_search(compiled)
    title = f"{model.name} for {board}"
    print_table(title, ("layer", "operator", "MACs", "predicted cycles", "lost to"), rows, "  rr ")
    say(f"{facts['predicted_cycles']:,} predicted cycles an inference, {facts['macs']:,} MACs")
    for file in files:
        say(str(file))
    if not core and compiled.board.core is not None and compiled.board.chip is not None:
        say(
            f"`tfl2hw run {output} --port PORT` loads the model onto any {board}, whose one bitstream "
            f"`tfl2hw build --overlay --board {board} -o DIR` makes"
        )

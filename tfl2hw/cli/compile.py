"""`tfl2hw compile`: program, weight image, Verilog and report, without place and route."""

from __future__ import annotations

from tfl2hw.cli import report
from tfl2hw.cli.options import Arithmetic, Board, Columns, Json, Lanes, Model, Output
from tfl2hw.cli.store import Settings, keep
from tfl2hw.cli.terminal import print_json, print_table, progress, say, short
from tfl2hw.codegen.write import write_files


def compile_command(
    model: Model,
    board: Board,
    output: Output,
    numerics: Arithmetic = "litert-ref",
    lanes: Lanes = None,
    columns: Columns = None,
    json: Json = False,
) -> None:
    """Write the program, the weight image, the Verilog of core and board top, and a report."""
    settings = Settings(board=board, numerics=numerics, lanes=lanes, columns=columns)
    with progress("compiling") as tell:
        compiled = settings.compile(model)
        tell("writing Verilog", None)
        files = write_files(compiled, output) + keep(model, settings.settled(compiled), output)
    facts = report.compilation(compiled, files)
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
    if compiled.board.core is not None and compiled.board.chip is not None:
        say(
            f"`tfl2hw run {output} --port PORT` loads the model onto any {board}, whose one bitstream "
            f"`tfl2hw build --overlay --board {board} -o DIR` makes"
        )

"""`tfl2hw compile`: program, weight image, Verilog and report, without place and route."""

from __future__ import annotations

from tfl2hw.cli import backend
from tfl2hw.cli.options import Arithmetic, Board, Columns, Json, Lanes, Model, Output
from tfl2hw.cli.store import keep_model
from tfl2hw.cli.terminal import print_json, print_table, progress, say


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
    with progress("compiling") as tell:
        compiled = backend.compile_model(model, board, numerics, lanes, columns)
        tell("writing", None)
        files = keep_model(model, output) + backend.write_compiled(compiled, output)
    layers = backend.layers(compiled)
    cycles, macs = compiled.predicted_cycles, sum(layer.macs for layer in layers)
    if json:
        print_json({
            "predicted_cycles": cycles,
            "macs": macs,
            "files": [str(file) for file in files],
            "layers": [layer.as_json() for layer in layers],
        })
        return
    rows = [(layer.name, layer.op, layer.macs, layer.cycles) for layer in layers]
    print_table(f"{model.name} for {board}", ("layer", "operator", "MACs", "predicted cycles"), rows, "  rr")
    say(f"{cycles:,} predicted cycles an inference, {macs:,} MACs")
    for file in files:
        say(str(file))

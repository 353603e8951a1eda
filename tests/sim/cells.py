"""Cells' models under random vectors: instances side by side, each with its fields of two long words."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfl2hw.sim import simulate, verilator

Fields = Mapping[str, int]
Model = Callable[[Fields], Fields]
"""Takes the inputs of a cycle, gives the outputs after its clock edge; keeps its state itself."""


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One cell: its ``text`` with ``{name}`` for each field, its fields' widths, its model in Python."""

    text: str
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]
    model: Model


def run_cells(
    library: str, shared: Mapping[str, int], instances: Sequence[Instance], cycles: int, folder: Path
) -> None:
    """Compare every instance with its model for ``cycles`` random vectors.

    ``shared`` are inputs that all instances see. The first cycles' undefined outputs are the models' to
    settle: an output that a model leaves out is not compared.
    """
    bench, widths = _bench(shared, instances)
    generator = random.Random(7)
    vectors = [{name: generator.getrandbits(width) for name, width in widths.items()} for _ in range(cycles)]
    executable = verilator.build(library + bench, "bench", public=("clk", "inputs", "outputs"), gates=True)
    results = folder / "results.json"
    given = {"vectors": [_packed(vector, widths) for vector in vectors], "results": str(results)}
    simulate.simulate(executable, top="bench", module="tests.sim.cell_bench", parameters=given, folder=folder)
    for cycle, (vector, seen) in enumerate(zip(vectors, json.loads(results.read_text()), strict=True)):
        position = 0
        for number, instance in enumerate(instances):
            inputs = {name: vector[name] for name in shared}
            inputs |= {name: vector[f"{name}_{number}"] for name in instance.inputs}
            wanted = instance.model(inputs)
            for name, width in instance.outputs.items():
                found = seen >> position & (1 << width) - 1
                position += width
                assert name not in wanted or found == wanted[name], (cycle, number, name, instance.text)


def _bench(shared: Mapping[str, int], instances: Sequence[Instance]) -> tuple[str, dict[str, int]]:
    widths = dict(shared)
    declarations, bodies, collected = [], [], []
    for number, instance in enumerate(instances):
        widths |= {f"{name}_{number}": width for name, width in instance.inputs.items()}
        names = {name: name for name in shared}
        names |= {name: f"{name}_{number}" for name in (*instance.inputs, *instance.outputs)}
        for name, width in instance.outputs.items():
            declarations.append(f"  wire [{width - 1}:0] {name}_{number};")
            collected.insert(0, f"{name}_{number}")
        text = instance.text
        for name, wire in names.items():
            text = text.replace(f"{{{name}}}", wire)
        bodies.append(text.replace("{instance}", f"cell_{number}"))
    position = 0
    for name, width in widths.items():
        declarations.append(f"  wire [{width - 1}:0] {name} = inputs[{position} +: {width}];")
        position += width
    count = sum(width for instance in instances for width in instance.outputs.values())
    head = f"module bench(input clk, input [{position - 1}:0] inputs, output [{count - 1}:0] outputs);"
    tail = [f"  assign outputs = {{{', '.join(collected)}}};", "endmodule", ""]
    return "\n".join([head, *declarations, *bodies, *tail]), widths


def _packed(vector: Fields, widths: Mapping[str, int]) -> int:
    word, position = 0, 0
    for name, width in widths.items():
        word |= vector[name] << position
        position += width
    return word

"""From which job to which a buffer is kept; what stands from before the first run to after the last."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.schedule.walker import agree, alone, target_of
from tfl2hw.ir.primitives import Axis, Copy, Extremum, Lookup, MapShape, Reshape
from tfl2hw.schedule.memory import Buffer
from tfl2hw.schedule.schedule import Schedule, schedule

SHAPE: MapShape = (2, 3, 8)


def maximum(number: int, inputs: tuple[int, int], output: int) -> Extremum:
    return Extremum(
        op_index=number, op="MAXIMUM", inputs=inputs, output=output, shape=SHAPE, reduction="maximum"
    )


def ranges(planned: Schedule) -> dict[str, tuple[int, int]]:
    return {each.name: (each.first, each.last) for each in planned.memory.buffers}


def overlap(planned: Schedule, one: str, other: str) -> bool:
    def bytes_of(name: str) -> set[int]:
        (buffer,) = (each for each in planned.memory.buffers if each.name == name)
        start = planned.memory.addresses[name]
        return set(range(start, start + buffer.size))

    return bool(bytes_of(one) & bytes_of(other))


def test_a_chain() -> None:
    """Kept from the job that writes it to the last that reads it; outputs to the end."""
    network = alone(
        maximum(0, (0, 1), 2), maximum(1, (2, 0), 3), maximum(2, (3, 3), 4),
        shapes=dict.fromkeys(range(5), SHAPE),
    )  # fmt: skip
    planned = schedule(replace(network, outputs=(4,)), target_of())
    assert ranges(planned) == {
        "tensor 0": (0, 1), "tensor 1": (0, 0), "tensor 2": (0, 1), "tensor 3": (1, 2), "tensor 4": (2, 4),
    }  # fmt: skip
    assert overlap(planned, "tensor 1", "tensor 3") or overlap(planned, "tensor 1", "tensor 4")
    assert not overlap(planned, "tensor 2", "tensor 3")


def test_an_output_that_is_read_again_is_kept() -> None:
    network = alone(maximum(0, (0, 0), 1), maximum(1, (1, 1), 2), shapes=dict.fromkeys(range(3), SHAPE))
    kept = ranges(agree(network, target_of()))
    assert kept["tensor 1"] == (0, 3)


def test_a_layers_outputs_are_there_when_it_is_done() -> None:
    """All of them, so that a run with breakpoints can read them: not only the last one written."""
    copies = [
        Copy(op_index=0, op="SPLIT", input=0, output=n, axes=(Axis(48, (0, 0), (0, 0)),)) for n in (1, 2)
    ]
    kept = ranges(schedule(alone(*copies, shapes=dict.fromkeys(range(3), SHAPE)), target_of()))
    assert kept["tensor 1"][1] >= 1


def test_an_alias_is_kept_with_what_it_names() -> None:
    """A reshape that moves nothing has no buffer; its readers keep the one that it was made of."""
    reshape = Reshape(op_index=0, op="RESHAPE", input=0, output=1, input_shape=(1, 6, 8), output_shape=SHAPE)
    network = alone(reshape, maximum(1, (1, 1), 2), maximum(2, (2, 1), 3),
                    shapes={0: (1, 6, 8), 1: SHAPE, 2: SHAPE, 3: SHAPE})  # fmt: skip
    planned = agree(network, target_of())
    assert "tensor 1" not in ranges(planned)
    assert ranges(planned)["tensor 0"] == (0, 3)
    assert planned.placements[1].address == planned.placements[0].address


def test_constants_stand_for_ever() -> None:
    table = np.zeros((1, 4, 8), np.int8)
    lookup = Lookup(op_index=0, op="GATHER", indices=0, table=1, output=2, count=3)
    network = alone(lookup, shapes={0: (1, 3, 4), 1: (1, 4, 8), 2: (1, 3, 8)}, constants={1: table})
    assert ranges(schedule(network, target_of()))["tensor 1"] == (-1, 7)


def test_streamed_weights_stand_for_ever_and_off_what_their_job_writes() -> None:
    """In the other bank: they are read while it is written."""
    network = alone(maximum(0, (0, 1), 2), shapes=dict.fromkeys(range(3), SHAPE))
    planned = agree(network, target_of(4, 4, banks=2, streamed=True))
    (weights,) = (each for each in planned.memory.buffers if "weights" in each.name)
    assert (weights.first, weights.last) == (-1, 2)
    assert isinstance(weights, Buffer)
    half = planned.target.scratchpad_bytes // 2
    banks = [planned.memory.addresses[name] >= half for name in (weights.name, "tensor 2")]
    assert banks[0] != banks[1]

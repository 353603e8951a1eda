"""Vector functions of other packages in a core, and the check that their units keep to their descriptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.sim import Simulator

from tfl2hw.boards import Board
from tfl2hw.errors import DoesNotFit, ExtensionError
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.parts import VectorFunction
from tfl2hw.rtl_templates.vector_functions import checked_unit
from tfl2hw.schedule.functions import Function, functions
from tfl2hw.schedule.jobs import Schedule

Int64 = npt.NDArray[np.int64]

WORDS = 64
"""Random words that every unit has to make right before it goes into a core."""


def with_functions(core: CoreConfig, schedule: Schedule, board: Board) -> CoreConfig:
    """A prebuilt ``core`` with the units that ``schedule`` needs, if it is only simulated.

    Raises
    ------
    DoesNotFit : the core is in a bitstream that is there already.
    """
    if schedule.functions == core.functions:
        return core
    if board.chip is not None:
        needed = ", ".join(function.name for function in schedule.functions) or "no"
        raise DoesNotFit(
            f"{schedule.file}: the model needs {needed} vector functions of other packages, and the core on "
            f"{board.name} is a finished one with others; build a core for this model."
        )
    return replace(core, functions=schedule.functions)


def check_functions(schedule: Schedule) -> None:
    """Every unit that ``schedule`` uses makes what its reference says, when it says, of some random words.

    Raises
    ------
    ExtensionError : one does not.
    """
    random = np.random.default_rng(0)
    uses = {
        (job.number, job.fields): None
        for layer in schedule.layers
        for job in layer.jobs
        if isinstance(job, Function)
    }
    for number, packed in uses:
        function = schedule.functions[number]
        package = functions()[function.name].package
        words = random.integers(-128, 128, (function.operands, WORDS, schedule.target.lanes))
        wrong = first_difference(function, function.unpacked(packed), words)
        if wrong is not None:
            raise ExtensionError(f"the vector function {function.name} of the package {package} {wrong}")


def first_difference(function: VectorFunction, fields: Mapping[str, int], words: Int64) -> str | None:
    """What the unit makes of ``words`` where that is not what the reference says; None: it is.

    ``words`` are (operands, words, lanes) bytes -128 .. 127; they go in as close as the unit takes them.
    """
    lanes = words.shape[2]
    try:
        unit = checked_unit(function, lanes)
    except ValueError as problem:
        return f"cannot be used: {problem}"
    wanted = np.asarray(function.reference(list(words), fields), np.int64)
    found = _played(unit, fields, words, (function.latency(lanes), function.interval(lanes)))
    places = np.argwhere(found != wanted)
    if not len(places):
        return None
    word, lane = (int(place) for place in places[0])
    operands = " and ".join(str(int(each[word, lane])) for each in words)
    return (
        f"makes {int(found[word, lane])} of {operands} after {function.latency(lanes)} cycles, where its "
        f"reference says {int(wanted[word, lane])} (word {word}, lane {lane})"
    )


def _played(unit: Any, fields: Mapping[str, int], words: Int64, times: tuple[int, int]) -> Int64:
    """The words (words, lanes) that the unit makes."""
    (latency, interval), count = times, words.shape[1]
    found = np.zeros(words.shape[1:], np.int64)

    async def bench(ctx: Any) -> None:
        for name, value in fields.items():
            ctx.set(getattr(unit, name), value)
        for cycle in range((count - 1) * interval + latency + 1):
            number, phase = divmod(cycle, interval)
            goes = phase == 0 and number < count
            ctx.set(unit.valid, int(goes))
            if goes:
                for port, operand in zip("ab", words, strict=False):
                    ctx.set(getattr(unit, port), _word(operand[number].tolist()))
            made, rest = divmod(cycle - latency, interval)
            if 0 <= made < count and rest == 0:
                raw = int(ctx.get(unit.y)).to_bytes(words.shape[2], "little")
                found[made] = np.frombuffer(raw, np.int8)
            await ctx.tick()

    simulator = Simulator(unit)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return found


def _word(values: Sequence[int]) -> int:
    return int.from_bytes(np.array(values, np.int8).tobytes(), "little")

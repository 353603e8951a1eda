"""Vector functions of other packages: found, checked, scheduled, and in the core that is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.extending.conftest import Install, entry
from tests.rtl.test_vector_functions import MIXED, SLOW, stepped
from tests.schedule.walker import agree, target_of
from tfl2hw.boards import get
from tfl2hw.codegen import compile_model
from tfl2hw.codegen.core_fields import core_fields, core_from
from tfl2hw.codegen.functions import first_difference, with_functions
from tfl2hw.codegen.program import assemble
from tfl2hw.errors import DoesNotFit, ExtensionError
from tfl2hw.extending import Extension, VectorFunction
from tfl2hw.extending.checks import check_references, random_samples
from tfl2hw.frontend import load
from tfl2hw.ir.primitives import Apply
from tfl2hw.passes import lower
from tfl2hw.rtl_templates.isa import Kind, Opcode, function_of, kind_of
from tfl2hw.schedule.functions import Function, find_function


@pytest.fixture
def model(example: Callable[[str], Path]) -> Path:
    return example("right_shift")


def test_the_example_of_a_function(model: Path) -> None:
    check_references(model, random_samples(model, 2))


@pytest.mark.parametrize("shape", [(4, 4, 1), (8, 4, 2), (16, 8, 8)])
@pytest.mark.parametrize("banks", [1, 2])
def test_schedules(model: Path, shape: tuple[int, int, int], banks: int) -> None:
    network = lower(load(model), "litert-ref")
    assert sum(isinstance(primitive, Apply) for primitive in network.primitives) == 2
    planned = agree(network, target_of(*shape, banks=banks))
    jobs = [job for layer in planned.layers for job in layer.jobs if isinstance(job, Function)]
    assert [job.number for job in jobs] == [0, 0]
    assert [function.name for function in planned.functions] == ["right_shift"]


def test_a_core_has_the_unit_if_its_model_uses_it(model: Path) -> None:
    compiled = compile_model(model, "sim-large")
    assert [function.name for function in compiled.config.functions] == ["right_shift"]
    starts = [word & 0xFFFFFF for word in compiled.program.words if word >> 24 == Opcode.START]
    assert [function_of(each) for each in starts if kind_of(each) == Kind.FUNCTION] == [0, 0]
    assert core_from(core_fields(compiled.config)) == compiled.config
    assert assemble(compiled.schedule, compiled.config) == compiled.program


def test_a_finished_core_does_not_get_it(model: Path) -> None:
    planned = compile_model(model, "sim-large").schedule
    core = get("sim-large").core
    assert core is not None
    with pytest.raises(DoesNotFit, match="needs right_shift vector functions of other packages, and"):
        with_functions(core(8, 8), planned, get("ulx3s-85f"))


@pytest.mark.parametrize(("function", "fields"), [(MIXED, {"mask": 0xA5}), (SLOW, {"step": 3, "down": 1})])
def test_units_that_keep_to_their_descriptions(function: VectorFunction, fields: dict[str, int]) -> None:
    words = np.random.default_rng(0).integers(-128, 128, (function.operands, 20, 4))
    assert first_difference(function, fields, words) is None


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"latency": lambda lanes: lanes}, "makes .* after 4 cycles, where its reference says"),
        ({"interval": lambda lanes: 1}, "makes .* where its reference says"),
        (
            {"reference": lambda operands, fields: stepped(operands, fields) ^ 1},
            "reference says",
        ),
        ({"fields": (("step", 3),)}, "cannot be used: ports of the unit of slow must be valid"),
    ],
)
def test_units_that_do_not(changes: dict[str, Any], words: str) -> None:
    values = np.random.default_rng(0).integers(-128, 128, (1, 20, 4))
    found = first_difference(replace(SLOW, **changes), {"step": 3, "down": 1}, values)
    assert found is not None
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(found)


def test_a_unit_that_is_late_is_refused(model: Path, install: Install) -> None:
    from tfl2hw_right_shift import EXTENSION  # type: ignore[import-not-found]

    late = replace(EXTENSION.functions[0], latency=lambda lanes: 3)
    install(entry("stranger:EXT", lambda: replace(EXTENSION, functions=(late,))))
    with pytest.raises(ExtensionError, match=r"right_shift of the package stranger 2\.0 makes .* 3 cycles"):
        compile_model(model, "sim-large")


def test_a_function_that_its_package_forgot(model: Path, install: Install) -> None:
    from tfl2hw_right_shift import EXTENSION

    install(entry("stranger:EXT", lambda: replace(EXTENSION, functions=())))
    with pytest.raises(ExtensionError, match="wants the vector function 'right_shift', which no installed"):
        compile_model(model, "sim-large")


def test_two_packages_with_one_function(install: Install) -> None:
    brings = Extension(api=1, functions=(MIXED,))
    install(entry("a:EXT", lambda: brings, "a"), entry("b:EXT", lambda: brings, "b"))
    with pytest.raises(ExtensionError, match=r"b 2\.0 brings the vector function mixed, which a 2\.0 has"):
        find_function("mixed")

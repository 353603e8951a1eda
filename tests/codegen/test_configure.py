"""Every width of the core holds what the model writes into it, and is no wider than it need be."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests import small_models
from tests.ops.agree import VALID
from tests.small_models import SmallModel
from tfl2hw import __version__
from tfl2hw.boards import get
from tfl2hw.boards.sim_large import generous_core
from tfl2hw.codegen.compile import Compiled, compile_model, make_target
from tfl2hw.codegen.configure import check_core, configure, with_link
from tfl2hw.codegen.verilog import to_verilog
from tfl2hw.errors import DoesNotFit, UsageError
from tfl2hw.rtl_templates.core import Core
from tfl2hw.rtl_templates.frames import PROTOCOL
from tfl2hw.rtl_templates.image import EMPTY
from tfl2hw.rtl_templates.isa import FLAG_INDEXED, REGISTERS, VALUE_BITS, Kind, Opcode, instruction
from tfl2hw.rtl_templates.requantizer import Requantizer
from tfl2hw.schedule.schedule import matrices

BUILDS = [
    ("ulx3s-85f", 4, 4),
    ("ulx3s-85f", 8, 4),
    ("ulx3s-85f", 8, 8),
    ("ulx3s-85f", 16, 8),
    ("icebreaker", 4, 4),
]


def compiled(model: SmallModel, folder: Path, board: str = "ulx3s-85f", **shape: int) -> Compiled:
    return compile_model(model.write(folder, "model"), board, **shape)


@pytest.fixture(scope="module", params=BUILDS, ids=str)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    board, lanes, columns = request.param
    model = small_models.network(6, residual=board != "icebreaker")
    return compiled(model, tmp_path_factory.mktemp("model"), board, lanes=lanes, columns=columns)


def written(made: Compiled) -> list[tuple[str, int]]:
    """Every register write, its value signed."""
    found = []
    for word in made.program.words:
        opcode, value = word >> VALUE_BITS, word & (1 << VALUE_BITS) - 1
        if opcode < len(REGISTERS):
            found.append((REGISTERS[opcode], value - (value >> VALUE_BITS - 1 << VALUE_BITS)))
    return found


def test_registers_hold_what_the_program_writes(made: Compiled) -> None:
    config = made.config
    for name, value in written(made):
        if name.startswith((
            "count",
            "load_words",
            "load_parameter_words",
            "out_inner",
            "out_outer",
            "out_planes",
        )):
            assert -(1 << config.count_bits - 1) <= value < 1 << config.count_bits - 1, name
        elif name.startswith(("row", "column", "base_", "height", "width")):
            # one bit more than the value's: coordinates are compared as unsigned numbers
            assert -(1 << config.coordinate_bits - 2) <= value < 1 << config.coordinate_bits - 2, name
        elif name == "gap":
            assert -64 <= value < 64
        elif name.startswith("window_"):
            assert -16 <= value < 16
        elif name in ("base", "load_base", "out_base"):
            assert -config.lanes * config.scratchpad_words < value < config.lanes * config.scratchpad_words


def test_no_register_is_wider_than_needed(made: Compiled) -> None:
    """Of each kind some value needs all the bits."""
    config, values = made.config, written(made)
    counts = [
        v
        for name, v in values
        if name.startswith(("count", "load_words", "load_param", "out_inner", "out_outer", "out_planes"))
    ]
    assert max(max(v, ~v) for v in counts).bit_length() + 1 == config.count_bits
    names = ("row", "column", "base_", "height", "width")
    coordinates = [v for name, v in values if name.startswith(names)]
    assert max(max(v, ~v) for v in coordinates).bit_length() + 2 == config.coordinate_bits


def test_coordinates_never_leave_their_range(made: Compiled) -> None:
    """The furthest row and column that any nest reaches, padding included, fit too."""
    for layer in made.schedule.layers:
        for job in layer.jobs:
            nest, limit = job.nest, 1 << made.config.coordinate_bits - 1
            for start, axis in ((nest.row, "row"), (nest.column, "column")):
                steps = [(loop.count - 1) * getattr(loop, axis) for loop in nest.loops]
                assert -limit <= start + sum(min(0, step) for step in steps)
                assert start + sum(max(0, step) for step in steps) < limit


def test_accumulators_and_products_do_not_overflow(made: Compiled) -> None:
    """Worst sums with the real weights; and the requantizers' sum with their real parameters."""
    config = made.config
    limit = 1 << config.accumulator_bits - 1
    total = 1 << Requantizer.total_bits(config) - 1
    for job, parameters in zip(matrices(made.schedule.layers), made.schedule.parameters, strict=True):
        low, high = job.accumulator
        channels, lines = 1 + job.twin, 1 + job.pair  # each sums on its own
        weights = job.weights.astype(np.int64).transpose(0, 1, 3, 2)
        flat = weights.reshape(job.groups * config.columns * channels * lines, -1)
        taps = job.nest.loops[1].count * job.nest.loops[2].count if job.hold else 1
        assert np.minimum(flat * -128, flat * 127).sum(axis=1).min() * taps >= -limit
        assert np.maximum(flat * -128, flat * 127).sum(axis=1).max() * taps < limit
        for bound in (low, high):
            v = bound * parameters.mantissa + parameters.offset
            assert (abs(v) < total).all()
        assert parameters.mantissa.max() < 1 << config.mantissa_bits
        assert (abs(parameters.offset >> config.offset_zeros) < 1 << config.offset_bits - 1).all()
        assert (parameters.offset % (1 << config.offset_zeros) == 0).all()
        assert parameters.shift.max() < 1 << config.shift_bits


def test_memories_hold_their_contents(made: Compiled) -> None:
    config, image = made.config, made.image
    assert len(image.program) == config.program_depth
    assert all(len(bank) <= config.bank_depth for bank in image.weights)
    assert all(len(entries) <= config.parameter_depth for entries in image.parameters)
    assert all(len(table) <= config.table_depth for table in image.tables)
    assert all(word < 1 << 8 * config.lanes for bank in image.weights for word in bank)
    assert all(entry < 1 << config.parameter_bits for entries in image.parameters for entry in entries)
    end = max(address + len(data) for address, data in image.scratchpad) if image.scratchpad else 0
    assert end <= config.scratchpad_words * config.lanes
    bank_bytes = config.scratchpad_words * config.lanes // made.schedule.target.banks
    assert max(made.schedule.memory.used) <= bank_bytes


def test_units_are_those_that_the_model_uses(tmp_path: Path) -> None:
    def units(model: SmallModel) -> tuple[bool, bool, bool, bool]:
        config = compiled(model, tmp_path).config
        return config.window > 0, config.mover, config.softmax, config.vector_lanes > 0

    model = SmallModel(1)
    model.sink(model.conv(model.input((1, 4, 4, 8)), 8, (1, 1)))
    assert units(model) == (False, False, False, False)
    model.sink(model.depthwise(model.input((1, 6, 6, 8)), (3, 3)))
    assert units(model) == (True, False, False, False)
    model.sink(model.flatten(model.input((1, 3, 3, 3))))
    assert units(model) == (True, True, False, False)
    model.sink(model.softmax(model.input((1, 3))))
    assert units(model) == (True, True, True, False)
    model.sink(model.add(model.input((1, 3)), model.input((1, 3))))
    assert units(model) == (True, True, True, True)


@pytest.mark.parametrize(
    ("rows", "shape", "divisions"),
    [
        (6, (8, 8), ((2, 1),)),
        (6, (4, 4), ()),
        (1, (8, 8), ()),
        (6, (8, 4), ((1, 2),)),
        (6, (16, 8), ((2, 2),)),
    ],
)
def test_lanes_are_divided_where_a_job_wants_it(
    rows: int, shape: tuple[int, int], divisions: tuple[tuple[int, int], ...], tmp_path: Path
) -> None:
    """A single line has no neighbour, and four lanes hold one window; no register is written in vain."""
    model = SmallModel(1)
    model.sink(model.depthwise(model.input((1, rows, rows, 16)), (3, 3)))
    lanes, columns = shape
    made = compiled(model, tmp_path, "ulx3s-85f", lanes=lanes, columns=columns)
    assert made.config.divisions == divisions
    assert ("out_planes" in dict(written(made))) == (made.config.lines > 1)


@pytest.mark.parametrize(
    ("kernel", "lanes", "window", "places", "single"),
    [((5, 1), 8, 5, 1, True), ((10, 1), 8, 5, 2, False), ((10, 1), 4, 4, 4, False), ((1, 1), 8, 0, 1, False)],
)
def test_windows_are_as_long_as_the_kernels_need(
    kernel: tuple[int, int], lanes: int, window: int, places: int, single: bool, tmp_path: Path
) -> None:
    """Long kernels are split: as many tokens a position, each with a place of its own."""
    model = SmallModel(1)
    model.sink(model.depthwise(model.input((1, 60, 1, 8)), kernel, padding=VALID))
    made = compiled(model, tmp_path, "sim-large", lanes=lanes, columns=lanes)
    config = configure(made.schedule, made.program, "block", small=False)
    assert (config.window, config.places, config.single) == (window, places, single)


def test_words_are_read_from_any_byte_on_only_where_a_job_needs_it(tmp_path: Path) -> None:
    """A kernel's rows of an input of few channels are; whole channels are not."""
    for channels, needed in ((3, True), (8, False)):
        model = SmallModel(1)
        model.sink(model.conv(model.input((1, 6, 6, channels)), 8, (3, 3)))
        path = model.write(tmp_path, f"model{channels}")
        assert compile_model(path, "ulx3s-85f", "litert-ref", 8, 8).config.unaligned is needed


def test_a_loops_turns_fit_the_counters(tmp_path: Path) -> None:
    model = SmallModel(1)
    model.sink(model.softmax(model.input((1, 300, 3))))
    made = compiled(model, tmp_path)
    assert 300 - 2 < 1 << made.config.count_bits - 1 <= 2 * (300 - 2)


def test_units_that_no_job_asks_for_yet(tmp_path: Path) -> None:
    """Copies and the index register come with the STARTs of a program."""
    made = compiled(small_models.network(1), tmp_path)
    assert (made.config.copier, made.config.index) == (False, False)
    for kind, flags, units in (
        (Kind.COPY, 0, (True, False)),
        (Kind.INDEX, 0, (False, True)),
        (Kind.MOVE, FLAG_INDEXED, (False, True)),
    ):
        program = replace(made.program, words=(instruction(Opcode.START, kind | flags), *made.program.words))
        config = configure(made.schedule, program, "block", small=False)
        assert (config.copier, config.index) == units


def test_a_prebuilt_core_is_taken_as_it_is(tmp_path: Path) -> None:
    """Whatever the model: nothing of it is in the core, whose identity tells shapes apart alone."""
    made = [compiled(small_models.network(seed), tmp_path, "sim-large") for seed in (1, 2)]
    other = compiled(small_models.network(1), tmp_path, "sim-large", lanes=16, columns=8)
    assert made[0].config == made[1].config
    assert replace(made[0].config, identity="00" * 16) == generous_core(8, 8)
    assert made[0].image != made[1].image
    assert made[0].core_image == made[1].core_image == EMPTY
    assert other.config.identity != made[0].config.identity
    own = compiled(small_models.network(1), tmp_path)
    assert replace(own.core_image, scratchpad=own.image.scratchpad) == own.image


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("bank_depth", "words of a column's weight bank"),
        ("parameter_depth", "parameter entries"),
        ("program_depth", "words of program memory"),
        ("table_depth", "entries of the table-sum unit's tables"),
        ("table_bits", "bits of a table entry"),
        ("softmax_tables", "softmax tables"),
        ("accumulator_bits", "bits of an accumulator"),
        ("mantissa_bits", "bits of a requantizer's mantissa"),
        ("offset_bits", "bits of a requantizer's offset"),
        ("shift_bits", "bits of a requantizer's shift"),
        ("count_bits", "bits of a loop counter"),
        ("coordinate_bits", "bits of a row or column"),
    ],
)
def test_a_core_that_has_too_little_is_refused(name: str, what: str, tmp_path: Path) -> None:
    """Exactly as much as is needed does."""
    model = small_models.network(1)
    model.sink(model.softmax(model.input((1, 3), scale=0.3)))
    made = compiled(model, tmp_path)
    needed = configure(made.schedule, made.program, "block", small=False)
    check_core(made.schedule, made.program, needed)
    less = replace(needed, **{name: getattr(needed, name) - 1})
    text = f"the model needs {getattr(needed, name)} {what}, the core has {getattr(less, name)}; choose a"
    with pytest.raises(DoesNotFit, match=re.escape(text)):
        check_core(made.schedule, made.program, less)


@pytest.mark.parametrize(
    ("name", "changes", "what"),
    [
        ("unaligned", {}, "words that begin at any byte"),
        ("pair", {}, "lanes divided for two lines"),
        ("softmax", {}, "the softmax unit"),
        ("window", {"window": 2}, "3 bytes of a depthwise window, the core has 2"),
        ("vector_lanes", {"vector_lanes": 0}, "elements a cycle of the table-sum unit, the core has 0"),
    ],
)
def test_a_core_without_a_unit_is_refused(
    name: str, changes: dict[str, int], what: str, tmp_path: Path
) -> None:
    model = small_models.network(1)
    x = model.input((1, 8, 8, 8))
    model.sink(model.depthwise(x, (3, 3), padding=VALID))
    model.sink(model.conv(model.input((1, 6, 6, 3)), 8, (3, 3)))
    model.sink(model.softmax(model.input((1, 3), scale=0.3)))
    made = compiled(model, tmp_path, lanes=8, columns=8)
    needed = configure(made.schedule, made.program, "block", small=False)
    assert getattr(needed, name)
    check_core(made.schedule, made.program, needed)
    with pytest.raises(DoesNotFit, match=what):
        check_core(made.schedule, made.program, replace(needed, **(changes or {name: False})))


def vector_model(name: str) -> SmallModel:
    """A model in which no requantizer has a product to make."""
    model = SmallModel(1)
    if name == "add":
        model.sink(model.add(model.input((1, 5)), model.input((1, 5))))
    elif name == "softmax":
        model.sink(model.softmax(model.input((1, 7), scale=0.1)))
    elif name == "flatten":
        model.sink(model.flatten(model.input((1, 3, 3, 5))))
    else:
        x = model.input((1, 4, 4, 3))
        weights = model.tensor((5, 1, 1, 3), scale=[0.1] * 5, data=np.zeros((5, 1, 1, 3), np.int8))
        ofm = model.activation((1, 4, 4, 5))
        model.operator("CONV_2D", [x, weights, model.bias(x, weights, 5)], [ofm], Padding=VALID)
        model.sink(ofm)
    return model


@pytest.mark.parametrize("name", ["add", "softmax", "flatten", "dead filters"])
def test_models_without_a_product_can_be_built(name: str, tmp_path: Path) -> None:
    made = compiled(vector_model(name), tmp_path, lanes=4, columns=2)
    assert "module core" in to_verilog(Core(replace(made.config, multiplier="ecp5"), made.image), "core")


def test_identity_is_of_model_and_core(tmp_path: Path) -> None:
    made = compiled(small_models.network(1), tmp_path)
    again = compiled(small_models.network(1), tmp_path)
    other = compiled(small_models.network(2), tmp_path)
    narrow = compiled(small_models.network(1), tmp_path, lanes=8, columns=4)
    assert made.config.identity == again.config.identity
    assert len({each.config.identity for each in (made, other, narrow)}) == 3
    assert with_link(made.config, made.image, 100.0) == made.config
    changed = replace(made.image, exponentials=(1, 2))
    assert with_link(made.config, changed, 100.0).identity != made.config.identity
    versions = bytes([PROTOCOL, *(int(part) for part in __version__.split("."))])
    assert made.config.identity.startswith(versions.hex())


@pytest.mark.parametrize(("mhz", "bits"), [(12.0, 17), (30.0, 19), (100.0, 20), (105.0, 21)])
def test_a_frame_may_pause_for_10_ms(mhz: float, bits: int, tmp_path: Path) -> None:
    made = compiled(small_models.network(1), tmp_path)
    assert with_link(made.config, made.image, mhz).link_timeout == 2**bits
    with pytest.raises(ValueError, match="link_timeout must be at least 2 cycles, not 1"):
        replace(made.config, link_timeout=1)


@pytest.mark.parametrize(("lanes", "columns"), [(6, 2), (8, 16), (4, 3), (64, 8), (8, 1)])
def test_refuses_shapes_that_cannot_be(lanes: int, columns: int) -> None:
    with pytest.raises(UsageError, match=f"an array of {lanes} lanes and {columns} columns is not accepted"):
        make_target(get("sim-large"), lanes, columns)


def test_refuses_wide_words_from_single_port_memory() -> None:
    with pytest.raises(UsageError, match="icebreaker reads 4 bytes a cycle: --lanes must be 4, not 8"):
        make_target(get("icebreaker"), 8, 4)


@pytest.mark.parametrize(
    ("operator", "units"),
    [
        ("log_softmax", {"log_softmax"}),
        ("l2_normalize", {"l2_normalize"}),
        ("softmax", {"softmax"}),
        ("arg", {"arg_max"}),
    ],
)
def test_row_units_are_those_that_the_model_uses(operator: str, units: set[str], tmp_path: Path) -> None:
    model = SmallModel(1)
    ifm = model.input((1, 4, 6), scale=0.125)
    model.sink(model.arg("ARG_MAX", ifm, 2) if operator == "arg" else getattr(model, operator)(ifm))
    config = compile_model(model.write(tmp_path, "model"), "ulx3s-85f").config
    names = ("softmax", "log_softmax", "l2_normalize", "arg_max", "mover")
    assert {name for name in names if getattr(config, name)} == units

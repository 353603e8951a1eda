"""The contents of the memories, taken apart again: weights, parameters, streams, tables, exponentials."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests import small_models
from tests.small_models import SmallModel
from tfl2hw.codegen.compile import Compiled, compile_model
from tfl2hw.rtl_templates.isa import INDEX
from tfl2hw.schedule.jobs import matrices, stream_name
from tfl2hw.schedule.matrix import Matrix
from tfl2hw.schedule.rescale import Parameters
from tfl2hw.schedule.widths import ParameterWidths, parameter_widths, parameter_words

SHAPES = [(4, 4), (8, 4), (8, 8), (16, 2)]


def compiled(model: SmallModel, folder: Path, board: str = "ulx3s-85f", **shape: int) -> Compiled:
    return compile_model(model.write(folder, "model"), board, **shape)


def lanes_of(word: int, lanes: int) -> list[int]:
    return np.frombuffer(word.to_bytes(lanes, "little"), np.int8).tolist()


def decode(entry: int, widths: ParameterWidths) -> tuple[int, int, int, int]:
    """Mantissa, offset, shift and half_away of an entry."""
    mantissa = entry & (1 << widths.mantissa) - 1
    offset = entry >> widths.mantissa & (1 << widths.offset) - 1
    offset -= (offset >> widths.offset - 1) << widths.offset
    offset <<= widths.offset_zeros
    rest = entry >> widths.mantissa + widths.offset
    return mantissa, offset, rest & (1 << widths.shift) - 1, rest >> widths.shift


def wanted_entry(parameters: Parameters, channel: int) -> tuple[int, int, int, int]:
    if channel >= len(parameters.mantissa):
        return 0, 0, 0, 0
    fields = (parameters.mantissa, parameters.offset, parameters.shift, parameters.half_away)
    return tuple(int(field[channel]) for field in fields)


def channels(job: Matrix, group: int, requantizer: int, columns: int, chain: int) -> list[int]:
    """Filters whose results pass a requantizer for one group, in the order in which they do."""
    return [group * columns + requantizer * chain + place for place in reversed(range(chain))]


@pytest.mark.parametrize(("lanes", "columns"), SHAPES)
def test_banks(lanes: int, columns: int, tmp_path: Path) -> None:
    """Every column's words and every requantizer's entries, job after job, group after group."""
    made = compiled(small_models.network(1), tmp_path, lanes=lanes, columns=columns)
    schedule, image = made.schedule, made.image
    chain, widths = schedule.target.chain, parameter_widths(schedule.parameters)
    assert (len(image.weights), len(image.parameters)) == (columns, schedule.target.requantizers)
    word, entry = 0, 0
    for job, parameters in zip(matrices(schedule.layers), schedule.parameters, strict=True):
        for group in range(job.groups):
            for number in range(job.weights.shape[2]):
                for column in range(columns):
                    expected = job.weights[group, column, number].tolist()
                    assert lanes_of(image.weights[column][word], lanes) == expected
                word += 1
        for group in range(job.parameter_groups):
            for requantizer, entries in enumerate(image.parameters):
                for place, channel in enumerate(channels(job, group, requantizer, columns, chain)):
                    assert decode(entries[entry + place], widths) == wanted_entry(parameters, channel)
            entry += chain
    assert {len(bank) for bank in image.weights} == {word}
    assert {len(entries) for entries in image.parameters} == {entry}
    assert image.scratchpad == ()


@pytest.mark.parametrize("columns", [2, 4])
def test_streams(columns: int, tmp_path: Path) -> None:
    """Each group's weights, column by column, then the requantizers' entries in whole words."""
    made = compiled(small_models.network(1, residual=False), tmp_path, "icebreaker", lanes=4, columns=columns)
    schedule, image = made.schedule, made.image
    target, widths = schedule.target, parameter_widths(schedule.parameters)
    entry_bytes = 4 * parameter_words(schedule.parameters, target)
    assert image.weights == image.parameters == ()
    jobs = matrices(schedule.layers)
    assert len(image.scratchpad) == len(jobs)
    for number, (job, parameters) in enumerate(zip(jobs, schedule.parameters, strict=True)):
        address, data = image.scratchpad[number]
        assert address == schedule.memory.addresses[stream_name(number)]
        at = 0
        for group in range(job.groups):
            size = job.weights[group].size
            found = np.frombuffer(data[at : at + size], np.int8).reshape(job.weights[group].shape)
            np.testing.assert_array_equal(found, job.weights[group])
            at += size
            for requantizer in range(target.requantizers):
                for channel in channels(job, group, requantizer, columns, target.chain):
                    entry = int.from_bytes(data[at : at + entry_bytes], "little")
                    assert decode(entry, widths) == wanted_entry(parameters, channel)
                    at += entry_bytes
        assert at == len(data)


def test_streams_share_no_byte_with_a_feature_map(tmp_path: Path) -> None:
    """Weights are loaded once, so no tensor may ever stand on them."""
    made = compiled(small_models.convolutions(1), tmp_path, "icebreaker")
    taken = [range(address, address + len(data)) for address, data in made.image.scratchpad]
    for place in made.schedule.placements.values():
        end = place.address + place.layout.size
        assert all(end <= stream.start or stream.stop <= place.address for stream in taken)


@pytest.mark.parametrize("board", ["ulx3s-85f", "sim-large"])
def test_constants_stand_in_the_scratchpad(board: str, tmp_path: Path) -> None:
    """Rows of a table at their pitch, zeros between them; no feature map is ever put on them."""
    made = compiled(small_models.indices(4), tmp_path, board)
    constants = made.schedule.constants
    assert len(made.image.scratchpad) == len(constants) == 2
    for (address, data), (tensor, values) in zip(made.image.scratchpad, constants.items(), strict=True):
        place = made.schedule.placements[tensor]
        assert address == place.address
        rows = np.frombuffer(data, np.int8).reshape(-1, place.layout.pixel)
        np.testing.assert_array_equal(rows[:, : values.shape[2]], values.reshape(-1, values.shape[2]))
        assert not rows[:, values.shape[2] :].any()
        for other, its in made.schedule.placements.items():
            end = its.address + its.layout.size
            assert other == tensor or end <= address or address + len(data) <= its.address


def test_tables(tmp_path: Path) -> None:
    """256 entries an ADD for each operand, in two's complement of the table's width."""
    model = SmallModel(3)
    model.sink(*(model.add(model.input((1, 9)), model.input((1, 9))) for _ in range(3)))
    made = compiled(model, tmp_path)
    bits = made.config.table_bits
    assert made.config.table_depth == 3 * 256
    for operand in range(2):
        values = np.array(made.image.tables[operand])
        values = values - ((values >> bits - 1) << bits)
        expected = np.concatenate([pair.tables[operand] for pair in made.schedule.tables])
        np.testing.assert_array_equal(values, expected)


def test_exponentials(tmp_path: Path) -> None:
    model = SmallModel(3)
    model.sink(*(model.softmax(model.input((1, depth), scale=0.125)) for depth in (5, 9)))
    made = compiled(model, tmp_path)
    assert len(made.image.exponentials) == 256
    assert made.image.exponentials[0] == 2**31 - 1
    assert list(made.image.exponentials) == sorted(made.image.exponentials, reverse=True)


def test_a_table_of_exponentials_for_each_scale(tmp_path: Path) -> None:
    """Operators of the same scale share one, and each names its own."""
    model = SmallModel(3)
    scales = (0.125, 0.25, 0.125, 0.0625)
    model.sink(*(model.softmax(model.input((1, 5), scale=scale)) for scale in scales))
    made = compiled(model, tmp_path)
    assert made.config.softmax_tables == 3
    assert len(made.image.exponentials) == 3 * 256
    tables = [made.image.exponentials[start : start + 256] for start in (0, 256, 512)]
    # exp(-4 / 16) is found in each table where its scale says
    assert tables[0][2] == tables[1][1] == tables[2][4]
    written = [word & 0xFFFF for word in made.program.words if word >> 24 == INDEX["exponential_base"]]
    assert written == [0, 256, 0, 512]


def test_a_table_of_logarithms_for_each_scale(tmp_path: Path) -> None:
    """Exponentials, then distances; operators of the same scale share a table, and each names its own."""
    model = SmallModel(3)
    model.sink(*(model.log_softmax(model.input((1, 5), scale=scale)) for scale in (0.125, 0.25, 0.125)))
    made = compile_model(model.write(tmp_path, "model"), "ulx3s-85f")
    assert (made.config.log_softmax, made.config.log_tables, made.config.softmax) == (True, 2, False)
    assert len(made.image.logarithms) == 2 * 512
    first, second = made.image.logarithms[:512], made.image.logarithms[512:]
    assert first[0] == second[0] == 1 << 19
    assert first[4] == second[2]
    assert [first[256 + d] for d in (0, 1, 255)] == [0, 1 << 23, 1 << 30]
    assert second[257] == 1 << 24
    written = [word & 0xFFFF for word in made.program.words if word >> 24 == INDEX["exponential_base"]]
    assert written == [0, 512, 0]


def test_a_model_without_a_unit_has_nothing_for_it(tmp_path: Path) -> None:
    model = SmallModel(1)
    model.sink(model.conv(model.input((1, 4, 4, 3)), 5, (1, 1)))
    image = compiled(model, tmp_path).image
    assert (image.tables, image.exponentials, image.scratchpad) == ((), (), ())
    assert image.program == compiled(model, tmp_path).program.words

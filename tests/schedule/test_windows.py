"""Every form of a depthwise layer, walked as array and writer would do it, against plain sums."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests import small_models
from tests.schedule.test_matrix import channel_layer
from tests.schedule.walker import agree, alone, named, target_of
from tfl2hw.boards import get
from tfl2hw.codegen.compile import compile_model, make_target
from tfl2hw.errors import DoesNotFit
from tfl2hw.ir.primitives import Depthwise, Region
from tfl2hw.schedule import windows
from tfl2hw.schedule.channelwise import depthwise
from tfl2hw.schedule.matrix import Maps, Matrix
from tfl2hw.schedule.schedule import matrices, schedule
from tfl2hw.schedule.shape import Target
from tfl2hw.schedule.windows import Form, forms

TARGETS = [
    target_of(4, 4, 4, core=True),
    target_of(4, 2, 1, core=True),
    target_of(8, 8, 2, core=True),
    target_of(8, 4, 4, core=True),
    target_of(16, 8, 8, core=True),
    target_of(16, 8, 2, core=True, unaligned=True),
    target_of(16, 4, 4, core=True),
    target_of(16, 16, 16, core=True),
    target_of(32, 8, 8, core=True),
]
SEEDS = range(12)


def maps_of(layer: Depthwise, target: Target) -> Maps:
    return Maps(
        source="ifm",
        source_pixel=target.padded(layer.input_shape[2]),
        target="ofm",
        target_pixel=target.padded(layer.output_shape[2]),
        target_shape=layer.output_shape,
    )


def random_layer(seed: int) -> tuple[Depthwise, dict[int, tuple[int, int, int]]]:
    """Kernels from 1x1 to 7x7 and long ones; strides, dilations and paddings in either direction."""
    generator = np.random.default_rng(seed)

    def pair(low: int, high: int) -> tuple[int, int]:
        return int(generator.integers(low, high)), int(generator.integers(low, high))

    long = int(generator.integers(8, 18))
    kernel = [pair(1, 8), pair(2, 4), (long, 1), (1, long)][seed % 4]
    stride, before, after = pair(1, 4), pair(0, 3), pair(0, 3)
    dilation = pair(1, 4) if seed % 3 == 0 else (1, 1)
    sizes = [
        max(1, (k - 1) * d + 1 + int(generator.integers(0, 6)) - b - a)
        for k, d, b, a in zip(kernel, dilation, before, after, strict=True)
    ]
    channels = int(generator.choice([1, 5, 8, 16, 20, 33]))
    return channel_layer(((*sizes, channels), kernel, stride, dilation, before, after))


def only_job(layer: Depthwise, target: Target) -> Matrix:
    return depthwise(layer, target, maps_of(layer, target))


@pytest.mark.parametrize("target", TARGETS, ids=named)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_form(target: Target, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in the map at the end is right, whichever form a layer gets."""
    layer, shapes = random_layer(seed)
    every = list(forms(layer, target, maps_of(layer, target)))
    for form in every[:: max(1, len(every) // 10)]:
        monkeypatch.setattr(windows, "forms", lambda *_, form=form: [form])
        planned = agree(alone(layer, shapes=shapes), target, seed)
        (job,) = matrices(planned.layers)
        assert (job.window, job.pair, job.twin) == (form.depth, form.lines > 1, form.channels > 1)


@pytest.mark.parametrize("target", TARGETS, ids=named)
@pytest.mark.parametrize("seed", SEEDS)
def test_results_are_never_closer_than_the_requantizers_can_follow(target: Target, seed: int) -> None:
    """Every result of a position takes a chain's length; the last token of a group has to close a pixel."""
    layer, _ = random_layer(seed)
    maps = maps_of(layer, target)
    for form in forms(layer, target, maps):
        nest = windows._nest(layer, target, maps, form)
        positions = nest.loops[3].count
        pixel = nest.loops[1].count * nest.loops[2].count + nest.gap
        emits = [n for n in range(positions) if n >= nest.skip and (n - nest.skip) % nest.stride == 0]
        rows = np.array([n + positions * row for row in range(2) for n in emits])
        assert (np.diff(rows) * pixel >= form.parts * target.chain).all()
        assert emits[-1] == positions - 1
        assert (nest.skip <= 16, nest.stride <= 17, nest.gap <= 64) == (True, True, True)


def tokens(target: Target, size: tuple[int, int, int], kernel: tuple[int, int], *, ones: bool = False) -> int:
    before = tuple((k - 1) // 2 for k in kernel) if kernel[1] > 1 else (0, 0)
    layer, _ = channel_layer((size, kernel, (1, 1), (1, 1), before, before), ones=ones)
    return only_job(layer, target).nest.tokens


@pytest.mark.parametrize(
    ("lanes", "length", "each"), [(4, 10, 3), (8, 10, 2), (16, 10, 1), (4, 5, 2), (8, 5, 1)]
)
def test_long_kernels_over_a_narrow_map(lanes: int, length: int, each: int) -> None:
    """``each`` tokens a position and group of K channels, besides the first positions of a line."""
    target = target_of(lanes, lanes, lanes, pair=False)
    positions = 200
    found = tokens(target, (positions + length - 1, 1, lanes), (length, 1))
    assert positions * each <= found <= (positions + lanes) * each


def test_lines_and_channels_at_a_time() -> None:
    """3x3: three tokens a position, four for two lines, four for two lines of twice K channels."""
    size = (40, 40, 16)
    for target, each in (
        (target_of(8, 8, 8, pair=False), 3 * 2),
        (target_of(8, 8, 8), 2 * 2),
        (target_of(16, 8, 8), 2),
        (target_of(16, 8, 8, pair=False), 3),
        (target_of(8, 4, 4), 3 * 2),
    ):
        assert 1600 * each <= tokens(target, size, (3, 3)) <= 40 * 42 * each
    wide, narrow = (target_of(lanes, 8, 8) for lanes in (16, 8))
    layer, _ = channel_layer(((9, 7, 16), (9, 7), (1, 1), (1, 1), (0, 0), (0, 0)), ones=True)
    jobs = [only_job(layer, target) for target in (wide, narrow)]
    assert [job.nest.tokens for job in jobs] == [63, 126], "a pool of the whole map takes every byte once"
    assert [(job.hold, job.twin, job.window) for job in jobs] == [(True, True, 1), (True, False, 1)]


def test_lines_and_channels_are_chosen_where_they_are_cheaper() -> None:
    target = target_of(8, 8, 4)
    layer, _ = channel_layer(((6, 6, 8), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)))
    chosen, before = only_job(layer, target), only_job(layer, replace(target, pair=False))
    assert (chosen.pair, before.pair) == (True, False)
    assert (chosen.nest.tokens, before.nest.tokens) == (8 * 4 * 3, 8 * 3 * 6)
    one, _ = channel_layer(((3, 3, 8), (3, 3), (1, 1), (1, 1), (0, 0), (0, 0)))
    assert only_job(one, target).window == 1


def test_lines_need_a_map_of_their_own() -> None:
    target = target_of(8, 8, 4)
    layer, _ = channel_layer(((6, 6, 8), (3, 3), (1, 1), (1, 1), (1, 1), (1, 1)))
    maps = maps_of(layer, target)
    larger = replace(maps, target_shape=(12, 6, 8))

    def lines(layer: Depthwise, maps: Maps) -> set[int]:
        return {form.lines for form in forms(layer, target, maps)}

    assert lines(layer, maps) == {1, 2}
    assert lines(replace(layer, region=Region(row_step=2)), larger) == {1}
    assert lines(layer, larger) == {1}
    assert lines(replace(layer, dilation=(2, 2)), maps) == {1}


def test_forms_stay_within_what_the_core_keeps() -> None:
    layer, _ = random_layer(4)
    for window, places in ((1, 16), (3, 4), (16, 2)):
        target = replace(target_of(16, 8, 8), window=window, places=places)
        found: list[Form] = list(forms(layer, target, maps_of(layer, target)))
        assert found[0] == Form(
            by_column=False, lines=1, channels=1, depth=1, segments=layer.weights.shape[1]
        )
        for form in found:
            job = windows.build(
                layer, target, maps_of(layer, target), form,
                windows._nest(layer, target, maps_of(layer, target), form),
            )  # fmt: skip
            counts = [loop.count for loop in job.nest.loops]
            assert job.window <= window
            assert job.window == 1 or counts[1] * counts[2] <= places


def test_room_behind_the_map_is_kept(tmp_path: Path) -> None:
    """Nothing that lives at the same time stands where garbage is written; without that room, no pairs."""
    compiled = compile_model(small_models.pairs(1).write(tmp_path, "model"), "ulx3s-85f")
    memory = compiled.schedule.memory
    buffers = {each.name: each for each in memory.buffers}
    outputs = [
        job.output for layer in compiled.schedule.layers for job in layer.jobs if getattr(job, "pair", False)
    ]
    assert len(outputs) >= 8
    assert all(buffers[each.target].size >= each.room for each in outputs)
    target = make_target(get("ulx3s-85f"), None, None)
    plain = schedule(compiled.network, replace(target, pair=False))
    assert plain.memory.used < memory.used
    tight = schedule(compiled.network, replace(target, scratchpad_bytes=plain.memory.used[0]))
    assert tight.memory == plain.memory
    assert not any(job.pair for job in matrices(tight.layers))
    with pytest.raises(DoesNotFit):
        schedule(compiled.network, replace(target, scratchpad_bytes=plain.memory.used[0] - 1))

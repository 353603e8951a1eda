"""Constant channels that are left out: the maps that are left are exact, borders included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.ops.agree import RELU, SAME, VALID, assert_exact, full_range
from tests.small_models import SmallModel
from tfl2hw.frontend import load
from tfl2hw.passes import evaluate_network, lower
from tfl2hw.passes.dead_channels import without_dead_channels


class PrunedModel(SmallModel):
    """Weights of which some filters are zero altogether, and biases that decide what these make."""

    dead = 0.5

    def weights(self, shape: tuple[int, ...], axis: int | None) -> int:
        index = super().weights(shape, axis)
        values = np.frombuffer(self.tensors[index].data, np.int8).reshape(shape).copy()
        filters = np.moveaxis(values, axis or 0, 0)
        filters[self.random.random(len(filters)) < self.dead] = 0
        self.tensors[index] = type(self.tensors[index])(**{
            **vars(self.tensors[index]),
            "data": values.tobytes(),
        })
        return index


def pruned(seed: int, padding: int) -> PrunedModel:
    """Convolutions and depthwise ones in turn, a residual sum, and a classifier."""
    model = PrunedModel(seed)
    x = model.input((1, 9, 8, 5))
    x = model.conv(x, 12, (3, 3), padding=padding, activation=RELU)
    x = model.depthwise(x, (3, 3), padding=SAME)
    y = model.conv(x, 11, (1, 1), activation=RELU)
    x = model.depthwise(y, (3, 3), (2, 2), padding)
    x = model.conv(x, 9, (3, 3), padding=SAME, activation=RELU)
    z = model.conv(x, 9, (1, 1))
    x = model.add(x, z)
    x = model.conv(x, 7, (1, 1), activation=RELU)
    _, height, width, _ = model.tensors[x].shape
    x = model.pool(x, (height, width), (height, width))
    model.sink(model.dense(model.flatten(x), 4), y)
    return model


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("padding", [SAME, VALID])
def test_what_is_left_is_exact(seed: int, padding: int, tmp_path: Path) -> None:
    model = pruned(seed, padding)
    path = model.write(tmp_path, "model")
    whole = lower(load(path), "litert-ref")
    reduced = without_dead_channels(whole)
    assert reduced.dropped, "nothing was left out"
    assert not set(reduced.dropped) & {*whole.inputs, *whole.outputs}
    for _ in range(2):
        sample = [full_range(model.random, (1, 9, 8, 5))]
        wanted, found = evaluate_network(whole, sample), evaluate_network(reduced, sample)
        for tensor, values in found.items():
            left = reduced.dropped.get(tensor)
            if left is None:
                np.testing.assert_array_equal(values, wanted[tensor])
                continue
            np.testing.assert_array_equal(values, wanted[tensor][:, :, left.kept])
            gone = np.setdiff1d(np.arange(wanted[tensor].shape[2]), left.kept)
            np.testing.assert_array_equal(
                wanted[tensor][:, :, gone], np.broadcast_to(left.values[gone], (*values.shape[:2], len(gone)))
            )


def test_the_hardware_and_the_host_put_them_back(tmp_path: Path) -> None:
    assert_exact(pruned(3, SAME), tmp_path)


def test_a_whole_network_stays_as_it_is(tmp_path: Path) -> None:
    model = SmallModel(1)
    model.sink(model.conv(model.input((1, 6, 6, 4)), 8, (3, 3)))
    network = lower(load(model.write(tmp_path, "model")), "tflm")
    assert without_dead_channels(network) is network


def test_everything_dead_keeps_a_channel(tmp_path: Path) -> None:
    model = PrunedModel(2)
    model.dead = 1.1
    x = model.conv(model.input((1, 6, 6, 4)), 8, (3, 3), activation=RELU)
    model.sink(model.conv(x, 5, (1, 1)))
    reduced = without_dead_channels(lower(load(model.write(tmp_path, "model")), "tflm"))
    assert [len(left.kept) for left in reduced.dropped.values()] == [1]

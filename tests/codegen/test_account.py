"""The account of cycles: parts that sum exactly, none below nothing, and examples counted by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests import small_models
from tests.fuzz.plan import build, random_plan
from tests.small_models import SmallModel
from tfl2hw.codegen import Compiled, compile_model
from tfl2hw.codegen.account import LOSSES, Account
from tfl2hw.errors import Tfl2hwError

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples" / "digits" / "digits_int8.tflite"
SHAPES = [("sim-large", 4, 4), ("sim-large", 8, 8), ("sim-large", 16, 8), ("icebreaker", 4, 4)]
SHARED = (
    "ad01_int8", "hello_world_int8", "kws_int8", "micro_speech", "mnv2_160_035", "person_detect_int8",
    "resnet8_int8", "sww_int8", "vww_96_int8",
)  # fmt: skip
RANDOM_MODELS = 40


def checked(compiled: Compiled) -> list[Account]:
    accounts = compiled.accounts()
    for account, layer, cycles in zip(
        accounts, compiled.schedule.layers, compiled.cycles.layers(), strict=True
    ):
        assert account.cycles == cycles == account.limit + sum(account.losses.values())
        assert set(account.losses) == set(LOSSES)
        assert all((name == "zeros") == (count < 0) for name, count in account.losses.items() if count)
        assert abs(account.limit * compiled.config.lanes * compiled.config.columns - layer.macs) <= (
            compiled.config.lanes * compiled.config.columns
        )
    return accounts


def accounts_or_none(path: Path, shape: tuple[str, int, int]) -> list[Account] | None:
    board, lanes, columns = shape
    try:
        compiled = compile_model(path, board, "litert-ref", lanes, columns)
    except Tfl2hwError:
        return None
    return checked(compiled)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_digits_example(shape: tuple[str, int, int]) -> None:
    accounts = accounts_or_none(DIGITS, shape)
    assert accounts is not None
    loads = [account.losses["loads"] for account in accounts]
    assert any(loads) == (shape[0] == "icebreaker")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", SHARED)
def test_real_models(name: str, shape: tuple[str, int, int], models_dir: Path) -> None:
    accounts = accounts_or_none(models_dir / f"{name}.tflite", shape)
    assert accounts is not None or shape[0] == "icebreaker"


@pytest.mark.parametrize("shape", [("sim-large", 4, 2), ("sim-large", 8, 8), ("ulx3s-85f", 16, 8)])
def test_small_models(shape: tuple[str, int, int], tmp_path: Path) -> None:
    makers = (
        small_models.everything, small_models.rows, small_models.pairs, small_models.indices,
        small_models.narrow_inputs, small_models.few_rows,
    )  # fmt: skip
    for maker in makers:
        path = maker(1).write(tmp_path, maker.__name__)
        assert accounts_or_none(path, shape) is not None, maker.__name__


def test_random_models(tmp_path: Path) -> None:
    compiled = 0
    for seed in range(RANDOM_MODELS):
        case = build(random_plan(seed, 8), 1)
        if case is not None:
            path = case.write(tmp_path / f"{seed}.tflite")
            compiled += accounts_or_none(path, ("sim-large", 8, 4)) is not None
    assert compiled > RANDOM_MODELS // 4


def only_layer(model: SmallModel, folder: Path, shape: tuple[int, int] = (8, 8)) -> Account:
    path = model.write(folder, "model")
    (account,) = checked(compile_model(path, "ulx3s-85f", "litert-ref", *shape, requantizers=4))
    return account


def test_a_convolution_by_hand(tmp_path: Path) -> None:
    """16 pixels of a word: 5 of 8 columns and 6 of 8 lanes have weights, two columns share a requantizer."""
    model = SmallModel(1)
    model.sink(model.conv(model.input((1, 4, 4, 6)), 5, (1, 1)))
    losses = only_layer(model, tmp_path).losses
    assert losses["columns"] == 6  # 16 tokens of which 3 columns in 8
    assert losses["lanes"] in (2, 3)  # 16 tokens, 5 columns of 8, 2 lanes of 8: 2.5
    assert losses["requantize"] in (15, 16)
    assert losses["zeros"] == losses["fill"] == losses["loads"] == losses["copies"] == 0
    assert losses["control"] > 0
    assert losses["drain"] > 0


def test_nothing_waits_for_requantizers_where_every_column_has_one(tmp_path: Path) -> None:
    model = SmallModel(1)
    model.sink(model.conv(model.input((1, 4, 4, 6)), 5, (1, 1)))
    (account,) = checked(compile_model(model.write(tmp_path, "model"), "sim-large", "litert-ref", 8, 8))
    assert account.losses["requantize"] == 0


def test_a_window_by_hand(tmp_path: Path) -> None:
    """3x3, 8 channels, 6x6 pixels, no padding: lines of 6 strips of 3 words, 4 of which give a result."""
    model = SmallModel(1)
    model.sink(model.depthwise(model.input((1, 6, 6, 8)), (3, 3), padding=small_models.VALID))
    path = model.write(tmp_path, "model")
    compiled = compile_model(path, "sim-large", "litert-ref", 4, 4)
    (account,) = checked(compiled)
    # two groups of 4 channels, 4 lines of 18 tokens; a third of these gives no result
    assert account.limit + account.losses["lanes"] + account.losses["fill"] == 2 * 4 * 18
    assert account.losses["fill"] == 2 * 4 * 6


def test_dead_channels_are_a_gain(tmp_path: Path) -> None:
    model = SmallModel(1)
    first = model.conv(model.input((1, 4, 4, 8)), 16, (1, 1), activation=small_models.RELU)
    for index, tensor in enumerate(model.tensors):
        if tensor.data:  # the last eight filters' weights and biases
            half = len(tensor.data) // 2
            model.tensors[index] = replace(tensor, data=tensor.data[:half] + bytes(half))
    model.sink(model.conv(first, 8, (1, 1)))
    path = model.write(tmp_path, "model")
    compiled = compile_model(path, "sim-large", "litert-ref", 8, 8)
    gains = [account.losses["zeros"] for account in checked(compiled)]
    assert gains == [-16, -16]  # half of each layer's multiply-accumulates


def test_why() -> None:
    losses = dict.fromkeys(LOSSES, 0) | {"lanes": 30, "drain": 6, "fill": 10}
    account = Account(cycles=100, limit=54, losses=losses)
    assert account.why() == "lanes 30%, fill 10%"
    assert account.why(5) == "lanes 30%, fill 10%, drain 6%"
    assert account.why(5, 0.2) == "lanes 30%"
    assert Account(cycles=0, limit=0, losses=dict.fromkeys(LOSSES, 0)).why() == ""

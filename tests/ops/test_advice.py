"""Models of every other kind: each operator has its verdict, and the advice names the converter's options."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.build_model import ModelBuilder
from tfl2hw.cli.main import main
from tfl2hw.errors import ModelError
from tfl2hw.frontend import load, survey
from tfl2hw.passes import lower, review


def one(
    operator: str = "FULLY_CONNECTED",
    activation: str = "int8",
    weights: str = "int8",
    *,
    constants: bool = True,
    scale: float | tuple[float, ...] = 0.1,
    **how: Any,
) -> bytes:
    """An operator with weights, and what the rest of the file is to be."""
    model = ModelBuilder()
    ifm = model.tensor((1, 4), dtype=activation, scale=scale, **how.pop("ifm", {}))
    size = {"float32": 32, "float16": 16, "int4": 8}.get(weights, 16)
    w = model.tensor((2, 4), dtype=weights, scale=scale, data=bytes(size if weights != "int8" else 8))
    ofm = model.tensor((1, 2), dtype=activation, scale=scale)
    model.operator(operator, [ifm, w] if constants else [ifm], [ofm])
    return model.finish([ifm], [ofm], **how)


def uint8() -> bytes:
    model = ModelBuilder()
    ifm = model.tensor((1, 4), dtype="uint8", scale=0.1)
    w = model.tensor((2, 4), scale=0.1, zero_point=3, data=np.ones((2, 4), np.uint8))
    ofm = model.tensor((1, 2), dtype="uint8", scale=0.1)
    model.operator("FULLY_CONNECTED", [ifm, w], [ofm])
    return model.finish([ifm], [ofm])


def float16() -> bytes:
    model = ModelBuilder()
    ifm, ofm = model.tensor((1, 4), dtype="float32"), model.tensor((1, 2), dtype="float32")
    half, w = model.tensor((2, 4), data=np.ones((2, 4), np.float16)), model.tensor((2, 4), dtype="float32")
    model.operator("DEQUANTIZE", [half], [w])
    model.operator("FULLY_CONNECTED", [ifm, w], [ofm])
    return model.finish([ifm], [ofm])


def island() -> bytes:
    model = ModelBuilder()
    ifm, floats = model.tensor((1, 4), scale=0.1), [model.tensor((1, 4), dtype="float32") for _ in range(2)]
    middle, ofm = model.tensor((1, 4), scale=0.1), model.tensor((1, 4), scale=1 / 256, zero_point=-128)
    model.operator("DEQUANTIZE", [ifm], [floats[0]])
    model.operator("CUMSUM", [floats[0]], [floats[1]])
    model.operator("QUANTIZE", [floats[1]], [middle])
    model.operator("SOFTMAX", [middle], [ofm])
    return model.finish([ifm], [ofm])


def stateful() -> bytes:
    model = ModelBuilder()
    ifm, ofm = model.tensor((1, 4), scale=0.1), model.tensor((1, 4), scale=0.1)
    state = model.tensor((1, 4), scale=0.1, variable=True)
    model.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", [ifm, state], [ofm])
    return model.finish([ifm], [ofm])


def resource() -> bytes:
    model = ModelBuilder()
    ifm, ofm = model.tensor((1, 4), scale=0.1), model.tensor((1, 4), scale=1 / 256, zero_point=-128)
    handle, value = model.tensor((), dtype="resource"), model.tensor((1, 4), scale=0.1)
    model.operator("VAR_HANDLE", [], [handle])
    model.operator("READ_VARIABLE", [handle], [value])
    model.operator("SOFTMAX", [ifm], [ofm])
    return model.finish([ifm], [ofm])


KINDS: dict[str, tuple[Callable[[], bytes], str]] = {
    "float": (
        lambda: one(activation="float32", weights="float32", scale=()),
        "the model is not quantised: conv",
    ),
    "hybrid": (lambda: one(activation="float32"), "dynamic range quantisation"),
    "float16": (float16, "in place of supported_types = [tf.float16]"),
    "16x8": (lambda: one(activation="int16"), "16x8"),
    "uint8": (uint8, "quantised by an old converter"),
    "float island": (island, "left CUMSUM in float32, at 't2'"),
    "4 bits": (lambda: one(weights="int4"), "weights of 4 bits are not accepted"),
    "sparse": (lambda: one(sparse=1), "without tf.lite.Optimize.EXPERIMENTAL_SPARSITY"),
    "state": (stateful, "unroll=True"),
    "resource": (resource, "make each state an input and an output"),
    "control flow": (lambda: one("WHILE", constants=False, subgraphs=3), "unroll=True"),
    "custom": (lambda: one("CUSTOM:mine", constants=False), "allow_custom_ops = False"),
    "flex": (lambda: one("CUSTOM:FlexErf", constants=False), "FlexErf is TensorFlow's own (SELECT_TF_OPS)"),
    "dynamic": (lambda: one(ifm={"signature": (-1, -1)}), "tf.TensorSpec([1, ...])"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_operator_has_a_verdict_and_the_refused_ones_advice(kind: str, tmp_path: Path) -> None:
    build, words = KINDS[kind]
    path = tmp_path / "model.tflite"
    path.write_bytes(build())
    found = survey(path)
    verdicts = review(found.graph)
    assert [verdict.operator for verdict in verdicts] == list(found.graph.operators)
    refused = [verdict for verdict in verdicts if not verdict.accepted]
    assert refused
    assert any(words in (verdict.advice or "") for verdict in refused)
    with pytest.raises(ModelError):
        lower(load(path), "litert-ref")


@pytest.mark.parametrize("kind", KINDS)
def test_inspect_lists_it_and_refuses(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build, words = KINDS[kind]
    path = tmp_path / "model.tflite"
    path.write_bytes(build())
    for flags in ([], ["--json"]):
        with pytest.raises(SystemExit) as left:
            main(["inspect", str(path), *flags])
        assert left.value.code == 2
        streams = capsys.readouterr()
        assert streams.err.count("\n") == 1
    facts = json.loads(streams.out)
    assert facts["accepted"] is False
    assert facts["boards"] == []
    assert len(facts["operators"]) == len(survey(path).graph.operators)
    assert any(words in (operator["advice"] or "") for operator in facts["operators"])


def test_a_model_refused_as_a_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its operators are fine, but there is a second subgraph."""
    path = tmp_path / "model.tflite"
    path.write_bytes(one(subgraphs=2))
    with pytest.raises(SystemExit) as left:
        main(["inspect", str(path), "--json"])
    assert left.value.code == 2
    facts = json.loads(capsys.readouterr().out)
    assert facts["operators"][0]["refused"] == []
    (objection,) = facts["objections"]
    assert objection.startswith("the model has 2 subgraphs; accepted: one (no control flow and no state")


def test_an_input_of_another_type(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = ModelBuilder()
    first, second = model.tensor((1, 4), scale=0.1), model.tensor((1, 4), dtype="int16", name="second")
    ofm = model.tensor((1, 4), scale=1 / 256, zero_point=-128)
    model.operator("SOFTMAX", [first], [ofm])
    path = tmp_path / "model.tflite"
    path.write_bytes(model.finish([first, second], [ofm]))
    with pytest.raises(SystemExit) as left:
        main(["inspect", str(path)])
    assert left.value.code == 2
    assert "'second' is an input or output of type int16" in " ".join(capsys.readouterr().err.split())

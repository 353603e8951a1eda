"""Files that are not accepted: one sentence each, and never another exception."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.build_model import ModelBuilder
from tfl2hw.errors import ModelError
from tfl2hw.frontend import load
from tfl2hw.passes import lower, review


def sentence(content: bytes, folder: Path) -> str:
    """The refusal of ``content``."""
    path = folder / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        load(path)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    assert len(text) < 700
    return text


def small(
    *,
    ifm: dict[str, Any] | None = None,
    ofm: dict[str, Any] | None = None,
    weights: dict[str, Any] | None = None,
    operators: Callable[[ModelBuilder, int, int, int], None] | None = None,
    inputs: list[int] | None = None,
    outputs: list[int] | None = None,
    **how: Any,
) -> bytes:
    """A FULLY_CONNECTED from tensor 0 by weights 1 to tensor 2 (3 is written by none), to be spoilt."""
    model = ModelBuilder()
    a = model.tensor(**{"shape": (1, 4), "scale": 0.1, **(ifm or {})})
    w = model.tensor(**{"shape": (2, 4), "scale": 0.1, "data": np.ones((2, 4), np.int8), **(weights or {})})
    b = model.tensor(**{"shape": (1, 2), "scale": 0.1, **(ofm or {})})
    model.tensor((1, 2), scale=0.1)
    if operators is None:
        model.operator("FULLY_CONNECTED", [a, w], [b])
    else:
        operators(model, a, w, b)
    return model.finish([a] if inputs is None else inputs, [b] if outputs is None else outputs, **how)


def one(name: str, inputs: list[int], outputs: list[int], **options: Any) -> Callable[..., None]:
    return lambda model, a, w, b: model.operator(name, inputs, outputs, **options)


def cycle(model: ModelBuilder, a: int, w: int, b: int) -> None:
    model.operator("ADD", [a, 3], [b])
    model.operator("ADD", [b, b], [3])


def twice(model: ModelBuilder, a: int, w: int, b: int) -> None:
    model.operator("FULLY_CONNECTED", [a, w], [b])
    model.operator("FULLY_CONNECTED", [a, w], [b])


def nothing(model: ModelBuilder, a: int, w: int, b: int) -> None:
    pass


def crowd(model: ModelBuilder, a: int, w: int, b: int) -> None:
    for _ in range(20001):
        model.operator("RELU", [a], [b])


def gluttons(model: ModelBuilder, a: int, w: int, b: int) -> None:
    big = model.tensor((1 << 25,), scale=0.1)
    model.operator("CUSTOM:mine", [a], [big])
    for _ in range(70):
        model.operator("CUSTOM:mine", [big], [model.tensor((1,), scale=0.1)])
    model.operator("FULLY_CONNECTED", [a, w], [b])


SPOILT: list[tuple[Callable[[], bytes], str]] = [
    (lambda: small(operators=one("ADD", [0, 99], [2])), "reads tensor 99, which is no tensor (0..3)"),
    (lambda: small(operators=one("ADD", [0, -2], [2])), "reads tensor -2"),
    (lambda: small(operators=one("ADD", [0, 0], [2**31 - 1])), "writes tensor 2147483647"),
    (lambda: small(operators=one("ADD", [0, 0], [-1])), "writes tensor -1"),
    (lambda: small(operators=cycle), "no earlier operator writes; accepted: operators in execution order"),
    (lambda: small(operators=twice), "accepted: every tensor written once"),
    (lambda: small(operators=one("FULLY_CONNECTED", [0, 1], [1])), "every tensor written once"),
    (lambda: small(operators=one("FULLY_CONNECTED", [0, 1], [0])), "every tensor written once"),
    (lambda: small(operators=nothing), "the model has no operators"),
    (lambda: small(operators=one("CONV_2D", [0, 1], [2], options=False)), "carries no options"),
    (lambda: small(inputs=[]), "0 inputs and 1 outputs"),
    (lambda: small(outputs=[]), "1 inputs and 0 outputs"),
    (lambda: small(inputs=[7]), "model input 7 is no tensor"),
    (lambda: small(outputs=[-1]), "model output -1 is no tensor"),
    (lambda: small(outputs=[3]), "output tensor 3 is written by no operator"),
    (lambda: small(outputs=[0]), "output tensor 0 is written by no operator"),
    (lambda: small(inputs=[0, 0]), "lists an input twice"),
    (lambda: small(inputs=[0, 1]), "input tensor 1 is a constant"),
    (lambda: small(ifm={"shape": (2, 4)}), "a batch of 2; accepted: a batch of 1"),
    (lambda: small(ifm={"signature": (1, -1)}), "dynamic shape, (1, -1)"),
    (lambda: small(ifm={"shape": (1, -1)}), "dynamic shape, (1, -1)"),
    (lambda: small(ifm={"signature": (1, 4, 1)}), "of another rank"),
    (lambda: small(ifm={"shape": (1, 0)}), "dynamic shape, (1, 0)"),
    (lambda: small(ifm={"shape": (1, 2**31 - 1, 2**31 - 1)}), "1 to 67108864 elements"),
    (lambda: small(ifm={"shape": (1,) * 5000}), "(rank 5000)"),
    (lambda: small(ifm={"dtype": "string"}), "is of type STRING; accepted: FLOAT32"),
    (lambda: small(ifm={"variable": True}), "is a variable"),
    (lambda: small(ifm={"scale": float("nan")}), "a scale that is negative or not finite"),
    (lambda: small(ifm={"scale": (0.1, 0.1, 0.1), "axis": 1}), "3 scales along axis 1"),
    (lambda: small(ifm={"scale": (0.1, 0.1), "axis": 7}), "2 scales along axis 7"),
    (lambda: small(ifm={"scale": (0.1, 0.1), "zero_point": (1, 2, 3)}), "2 scales but 3 zero points"),
    (lambda: small(weights={"data": b"12345"}), "needs 8 bytes; its buffer 2 has 5"),
    (lambda: small(buffers=2), "names buffer 2, the file has 2"),
    (lambda: small(subgraphs=0), "the model has 0 subgraphs; accepted: one"),
    (lambda: small(subgraphs=2), "the model has 2 subgraphs"),
    (lambda: small(sparse=1), "is sparse"),
    (lambda: small(operators=crowd), "20001 operators; accepted: at most 20000"),
    (lambda: small(operators=gluttons), "the operators read 2348810"),
]


@pytest.mark.parametrize(("build", "words"), SPOILT, ids=range(len(SPOILT)))
def test_spoilt(build: Callable[[], bytes], words: str, tmp_path: Path) -> None:
    assert words in sentence(build(), tmp_path)


def test_good_before_spoiling(tmp_path: Path) -> None:
    (tmp_path / "good.tflite").write_bytes(small())
    lower(load(tmp_path / "good.tflite"), "tflm")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a TFLite flatbuffer (0 bytes"),
        (b"TFL3", "not a TFLite flatbuffer (4 bytes"),
        (b"This is a text file, not a model.\n" * 9, "identifier b' is '"),
        (b"\x00\x00\x00\x00TFL3", "0 subgraphs"),
        (b"\xff\xff\xff\xffTFL3" + b"\xff" * 100, "damaged or truncated"),
        (b"\x1c\x00\x00\x00TFL3" + b"\x00" * 100, "0 subgraphs"),
    ],
)
def test_no_flatbuffer(content: bytes, words: str, tmp_path: Path) -> None:
    assert words in sentence(content, tmp_path)


def test_no_file(tmp_path: Path) -> None:
    for path, words in (
        (tmp_path / "missing.tflite", "does not exist"),
        (tmp_path, "is a directory"),
        (tmp_path / ("x" * 5000), "cannot be read"),
        ("a\0b", "a\0b"),
    ):
        with pytest.raises(ModelError) as caught:
            load(path)
        assert words in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(small())
    path.chmod(0)
    with pytest.raises(ModelError, match="cannot be read"):
        load(path)


def survives(content: bytes, path: Path) -> bool:
    """Whether the model is accepted; any exception but ModelError fails the test."""
    path.write_bytes(content)
    try:
        graph = load(path)
        review(graph)
        lower(graph, "tflm")
    except ModelError:
        return False
    return True


def test_truncated_anywhere(models_dir: Path, tmp_path: Path) -> None:
    """Where a truncated file still is accepted, nothing that is read was cut."""
    for content, points in ((small(), 400), ((models_dir / "kws_int8.tflite").read_bytes(), 150)):
        for size in np.linspace(0, len(content) - 1, points).astype(int):
            survives(content[:size], tmp_path / "model.tflite")
        assert not survives(content[: len(content) // 2], tmp_path / "model.tflite")


def test_flipped_bits(models_dir: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    for content, count in ((small(), 1500), ((models_dir / "kws_int8.tflite").read_bytes(), 150)):
        for _ in range(count):
            spoilt = bytearray(content)
            for _ in range(int(random.integers(1, 4))):
                spoilt[int(random.integers(8, len(spoilt)))] ^= 1 << int(random.integers(8))
            survives(bytes(spoilt), tmp_path / "model.tflite")


def test_spliced_words(tmp_path: Path) -> None:
    """Every 32-bit word of a small file replaced by extreme offsets, lengths and indices."""
    content = small()
    for position in range(0, len(content) - 3, 4):
        for word in (0, 1, len(content), 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000):
            spoilt = content[:position] + struct.pack("<I", word) + content[position + 4 :]
            survives(spoilt, tmp_path / "model.tflite")

"""What the classes are called, and the line that says what a model saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tfl2hw.cli.labels import class_names, names_from_files, what_it_says
from tfl2hw.errors import UsageError
from tfl2hw.ir.graph import Graph, Operator, Tensor

WORDS = [Path("kws_down_0.dat"), Path("kws_unkown_2.dat"), Path("plain.dat")]


def graph(file: Path = Path("net.tflite"), last: str = "SOFTMAX", size: int = 3) -> Graph:
    tensor = Tensor(index=0, name="out", shape=(1, size), dtype="int8")
    operator = Operator(index=0, op=last, inputs=(), outputs=(0,))
    return Graph(file=str(file), tensors={0: tensor}, operators=(operator,), inputs=(), outputs=(0,))


def test_words_from_file_names() -> None:
    assert names_from_files(WORDS, 3) == {0: "down", 2: "unkown"}


@pytest.mark.parametrize(
    "names",
    [
        ["vww_test_no_0", "vww_test_yes_0"],
        ["x_digit_1", "x_digit_2"],
        ["mnv2_input_7"],
        ["sample_1"],
        ["12_0"],
    ],
)
def test_file_names_that_name_no_class(names: list[str]) -> None:
    assert names_from_files([Path(f"{name}.dat") for name in names], 3) == {}


def test_labels_file_outranks_labels_beside_the_model_and_names(tmp_path: Path) -> None:
    model = tmp_path / "net.tflite"
    assert class_names(graph(model), None, WORDS) == {0: "down", 2: "unkown"}
    (tmp_path / "labels.txt").write_text("a\nb\nc\n")
    assert class_names(graph(model), None, WORDS) == {0: "a", 1: "b", 2: "c"}
    (tmp_path / "other.txt").write_text("x\ny\nz")
    assert class_names(graph(model), tmp_path / "other.txt", WORDS) == {0: "x", 1: "y", 2: "z"}


def test_labels_file_that_is_missing_or_short(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.txt: not a readable text file"):
        class_names(graph(), tmp_path / "none.txt", [])
    (tmp_path / "short.txt").write_text("a\n")
    with pytest.raises(UsageError, match=r"1 labels; the output of net\.tflite has 3 classes"):
        class_names(graph(), tmp_path / "short.txt", [])


def test_indices_are_no_scores() -> None:
    found = Tensor(index=0, name="out", shape=(1, 3), dtype="int32")
    operator = Operator(index=0, op="ARG_MAX", inputs=(), outputs=(0,))
    net = Graph(file="net.tflite", tensors={0: found}, operators=(operator,), inputs=(), outputs=(0,))
    assert what_it_says(net, [np.array([[7, 300, 2]], np.int32)], {0: "a"}) == "7 300 2"


def test_answers() -> None:
    scores = np.array([[-128, 100, 3]], dtype=np.int8)
    assert what_it_says(graph(), [scores], {}) == "class 1"
    assert what_it_says(graph(), [scores], {1: "seven"}) == "seven (class 1)"
    assert what_it_says(graph(last="FULLY_CONNECTED"), [scores], {}) == "-128 100 3"
    long = np.arange(12, dtype=np.int8)
    assert what_it_says(graph(last="RESHAPE"), [long], {}) == "0 1 2 3 4 5 6 7 ... (12 values)"

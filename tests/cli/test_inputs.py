"""Input files: what is taken, and the sentence for what is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tfl2hw.cli.inputs import load_input, load_samples, random_samples
from tfl2hw.errors import UsageError
from tfl2hw.ir.graph import Graph, Operator, Tensor

TENSOR = Tensor(index=3, name="image", shape=(1, 4, 2, 1), dtype="int8")
IMAGE = np.arange(-4, 4, dtype=np.int8).reshape(TENSOR.shape)


def graph_of(*tensors: Tensor) -> Graph:
    indices = tuple(tensor.index for tensor in tensors)
    named = {tensor.index: tensor for tensor in tensors}
    return Graph(file="net.tflite", tensors=named, operators=(), inputs=indices, outputs=indices[:1])


@pytest.mark.parametrize("shape", [(1, 4, 2, 1), (4, 2), (4, 2, 1), (8,)])
def test_npy_in_the_tensors_shape_or_flat(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "x.npy", IMAGE.reshape(shape))
    loaded = load_input(tmp_path / "x.npy", TENSOR)
    assert loaded.dtype == np.int8
    np.testing.assert_array_equal(loaded, IMAGE)


@pytest.mark.parametrize("suffix", [".dat", ".bin", ".BIN"])
def test_raw_bytes(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"x{suffix}"
    file.write_bytes(IMAGE.tobytes())
    np.testing.assert_array_equal(load_input(file, TENSOR), IMAGE)


@pytest.mark.parametrize(
    "array", [IMAGE.astype(np.float32), IMAGE.view(np.uint8), IMAGE.reshape(2, 4), IMAGE[:, :2], np.int8(3)]
)
def test_npy_of_another_type_or_shape(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(UsageError, match=r"x\.npy: holds .*'image' takes int8 of shape \(1, 4, 2, 1\)"):
        load_input(tmp_path / "x.npy", TENSOR)


@pytest.mark.parametrize("size", [0, 7, 9])
def test_raw_bytes_of_another_size(tmp_path: Path, size: int) -> None:
    (tmp_path / "x.dat").write_bytes(b"\0" * size)
    with pytest.raises(
        UsageError, match=rf"x\.dat: {size} bytes; input tensor 3 'image' takes int8 of shape"
    ):
        load_input(tmp_path / "x.dat", TENSOR)


WORDS = Tensor(index=0, name="words", shape=(1, 3), dtype="int32")


def gather() -> Graph:
    """``WORDS`` name rows of a table of 5."""
    table = Tensor(index=1, name="table", shape=(5, 2), dtype="int8", data=np.zeros((5, 2), np.int8))
    found = Tensor(index=2, name="found", shape=(1, 3, 2), dtype="int8")
    operator = Operator(index=0, op="GATHER", inputs=(1, 0), outputs=(2,), options={"axis": 0})
    tensors = {0: WORDS, 1: table, 2: found}
    return Graph(file="net.tflite", tensors=tensors, operators=(operator,), inputs=(0,), outputs=(2,))


def test_indices(tmp_path: Path) -> None:
    given = np.array([[4, 0, 3]], np.int32)
    np.save(tmp_path / "x.npy", given)
    (tmp_path / "x.dat").write_bytes(given.astype("<i4").tobytes())
    for sample in load_samples(gather(), [tmp_path / "x.npy", tmp_path / "x.dat"]):
        np.testing.assert_array_equal(sample.inputs[0], given)
        assert sample.inputs[0].dtype == np.int32


def test_indices_of_another_type_or_of_no_row(tmp_path: Path) -> None:
    file = tmp_path / "x.npy"
    np.save(file, np.zeros((1, 3), np.int8))
    with pytest.raises(UsageError, match=r"holds int8 .* takes int32 of shape \(1, 3\)"):
        load_samples(gather(), [file])
    for wrong in (5, -1):
        np.save(file, np.array([[0, wrong, 1]], np.int32))
        with pytest.raises(UsageError, match=rf"holds index {wrong}; .*rows, 0\.\.4"):
            load_samples(gather(), [file])


def test_random_indices_are_valid() -> None:
    drawn = np.concatenate([sample.inputs[0] for sample in random_samples(gather(), 40, 0)])
    assert drawn.dtype == np.int32
    assert set(drawn.reshape(-1).tolist()) == set(range(5))


def test_several_inputs_in_one_file(tmp_path: Path) -> None:
    (tmp_path / "x.dat").write_bytes(b"\0" * 24)
    with pytest.raises(UsageError, match=r"24 bytes \(3 inputs in one file: cut it up\)"):
        load_input(tmp_path / "x.dat", TENSOR)


@pytest.mark.parametrize(
    "content", [b"", b"not numpy", np.lib.format.magic(1, 0), b"\x93NUMPY\x01\x00\x04\x00{}{}"]
)
def test_damaged_npy(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(UsageError, match=r"x\.npy: not a readable \.npy file"):
        load_input(tmp_path / "x.npy", TENSOR)


def test_npy_whose_header_promises_more_than_the_file_has(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", IMAGE)
    content = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(content.replace(b"(1, 4, 2, 1), ", b"(999999999999)"))
    with pytest.raises(UsageError, match=r"x\.npy: not a readable \.npy file"):
        load_input(tmp_path / "x.npy", TENSOR)


def test_missing_folder_and_other_suffix(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such input file"):
        load_input(tmp_path / "x.npy", TENSOR)
    with pytest.raises(UsageError, match="not a file"):
        load_input(tmp_path, TENSOR)
    (tmp_path / "x.txt").write_bytes(b"")
    with pytest.raises(
        UsageError, match=r"an input is a \.npy file, raw bytes in a \.dat or \.bin file, a picture"
    ):
        load_input(tmp_path / "x.txt", TENSOR)


def test_a_sample_takes_as_many_files_as_the_model_has_inputs(tmp_path: Path) -> None:
    other = Tensor(index=5, name="other", shape=(1, 2), dtype="int8")
    (tmp_path / "a.dat").write_bytes(IMAGE.tobytes())
    (tmp_path / "b.dat").write_bytes(b"\1\2")
    files = [tmp_path / "a.dat", tmp_path / "b.dat"]
    samples = load_samples(graph_of(TENSOR, other), files * 2)
    assert [sample.name for sample in samples] == ["a.dat + b.dat"] * 2
    assert [array.shape for array in samples[1].inputs] == [(1, 4, 2, 1), (1, 2)]
    with pytest.raises(UsageError, match="has 2 inputs, so --input comes in groups of 2; 3 given"):
        load_samples(graph_of(TENSOR, other), [*files, files[0]])


def test_random_samples_are_full_range_and_repeatable() -> None:
    big = Tensor(index=0, name="big", shape=(1, 100, 100), dtype="int8")
    first, second = (list(random_samples(graph_of(big), 2, seed=4)) for _ in range(2))
    np.testing.assert_array_equal(first[1].inputs[0], second[1].inputs[0])
    assert (first[0].inputs[0] != first[1].inputs[0]).any()
    assert (first[0].inputs[0].min(), first[0].inputs[0].max()) == (-128, 127)

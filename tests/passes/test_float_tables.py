"""Functions in float32 between int8 tensors, against the interpreters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.ops.agree import RandomModel
from tfl2hw.codegen import compile_model
from tfl2hw.errors import ModelError
from tfl2hw.frontend import load
from tfl2hw.ir.primitives import TableSum
from tfl2hw.ops import NUMERICS, Numerics
from tfl2hw.passes import lower, review
from tfl2hw.sim.inference import run_samples

CHAINS = (
    ("NEG",),
    ("SQUARE",),
    ("ABS", "SQRT"),
    ("SIN",),
    ("COS", "NEG"),
    ("FLOOR",),
    ("CEIL",),
    ("SIGN",),
    (),
)

NOT_IN = {"litert-ref": "CEIL", "tflm": "SIGN"}


def chain(model: RandomModel, floats: int, names: tuple[str, ...], scale: float) -> None:
    for name in names:
        after = model.tensor((1, 256), dtype="float32")
        model.operator(name, [floats], [after])
        floats = after
    ofm = model.activation((1, 256), scale=scale)
    model.operator("QUANTIZE", [floats], [ofm])
    model.sink(ofm)


def written(model: RandomModel, folder: Path) -> Path:
    path = folder / "model.tflite"
    path.write_bytes(model.finish(model.inputs, model.outputs))
    return path


@pytest.mark.parametrize("numerics", NUMERICS)
def test_exact(numerics: Numerics, tmp_path: Path) -> None:
    """One DEQUANTIZE that many read; every byte."""
    model = RandomModel(1)
    ifm = model.input((1, 256))
    floats = model.tensor((1, 256), dtype="float32")
    model.operator("DEQUANTIZE", [ifm], [floats])
    for names in CHAINS:
        if NOT_IN[numerics] not in names:
            chain(model, floats, names, model.scale(0.01, 0.1))
    path = written(model, tmp_path)
    compiled = compile_model(path, "sim-large", numerics)
    assert all(verdict.accepted for verdict in review(load(path)))
    assert all(isinstance(each, TableSum) for each in compiled.network.primitives)
    every = np.arange(-128, 128).astype(np.int8).reshape(1, 256)
    result = run_samples(compiled, [[every]], numerics, lambda *_: None)
    assert result.mismatches == ()
    assert result.tensors_checked >= len(model.outputs)


def test_power(tmp_path: Path) -> None:
    """Of a constant; refused where a byte has none."""
    for zero, fits in ((-128, True), (0, False)):
        model = RandomModel(1)
        ifm = model.input((1, 256), zero_point=zero, scale=0.01)
        floats, power = model.tensor((1, 256), dtype="float32"), model.tensor((1, 256), dtype="float32")
        model.operator("DEQUANTIZE", [ifm], [floats])
        model.operator("POW", [floats, model.tensor((), data=np.array(1.5, np.float32))], [power])
        chain(model, power, (), 0.02)
        path = written(model, tmp_path)
        if fits:
            compiled = compile_model(path, "sim-large")
            every = np.arange(-128, 128).astype(np.int8).reshape(1, 256)
            assert run_samples(compiled, [[every]], "litert-ref", lambda *_: None).mismatches == ()
        else:
            with pytest.raises(ModelError, match=r"POW of tensor 0 .*have a result for every byte"):
                lower(load(path), "litert-ref")


def test_floats_that_leave_stay_refused(tmp_path: Path) -> None:
    model = RandomModel(1)
    ifm, floats, negative = model.input((1, 4)), *(model.tensor((1, 4), dtype="float32") for _ in range(2))
    model.operator("DEQUANTIZE", [ifm], [floats])
    model.operator("NEG", [floats], [negative])
    model.sink(negative)
    with pytest.raises(ModelError, match=r"operator 0 \(DEQUANTIZE\)"):
        lower(load(written(model, tmp_path)), "litert-ref")

"""Every model of tests/keras_models: the core's tensors are the interpreter's, or a sentence says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfl2hw.cli.inputs import random_samples
from tfl2hw.codegen import compile_model
from tfl2hw.errors import ModelError, ToolError
from tfl2hw.frontend import load
from tfl2hw.ops import NUMERICS, Numerics
from tfl2hw.sim.inference import run_samples

FOLDER = Path(__file__).parent / "keras_models"

# models that no board takes, and what the sentence has to say
REFUSED = {
    "arithmetic": "left CUMSUM in float32, at 'PartitionedCall_1:31'",
    "cnn_dynamic": "the model is not quantised: converter.optimizations",
    "elu": "LeakyReLU, PReLU or ReLU layer|left ELU and MUL and SELECT_V2 in float32",
    "functions_of_shape": "left SPLIT_V and MIRROR_PAD in float32",
    "lstm_keras_2_batch_1": "models without state between runs",
    "merges_concatenated": "left NEG and CONCATENATION in float32, at 'functional_1/Neg'",
    "pooling_float16": "the model is converted to float16",
    "pooling_float32": "the model is not quantised: converter.optimizations",
    "pooling_int16x8": "activations are int16",
    "rare_activations": "is divided by tensor 33 .*Softsign",
}

# models that LiteRT's reference kernels, or TFLite Micro, do not run
NOT_IN = {
    "litert-ref": ("newer_versions", "super_resolution", "unet_nearest"),
    "tflm": (
        *("activations", "arg_max", "embedding", "exact_gelu", "gru_unrolled", "lstm_unrolled"),
        *("newer_versions", "reductions"),
    ),
}

# models whose recorded shapes are wrong, since their batch is left open: TFLite Micro would compute with them
MISRECORDED = (
    *("attention", "convolutions", "segmentation", "super_resolution", "temporal_convolutions"),
    *("transformer", "unet_nearest"),
)

QUICK = (
    *("attention_batch_1", "broadcasts", "cnn", "conv1d", "convolutions", "efficientnet", "embedding"),
    *("gru_unrolled", "mobilenet_v2", "normalised", "resnet_float", "shapes", "siamese", "two_in_two_out"),
    *("newer_versions", *REFUSED),
)
MODELS = [
    pytest.param(path.stem, marks=() if path.stem in QUICK else pytest.mark.long)
    for path in sorted(FOLDER.glob("*.tflite"))
]


def check(name: str, numerics: Numerics) -> None:
    """Two random inputs on sim-large: every tensor is the interpreter's, in the predicted cycles."""
    compiled = compile_model(FOLDER / f"{name}.tflite", "sim-large", numerics)
    samples = [sample.inputs for sample in random_samples(load(compiled.file), 2, seed=1)]
    result = run_samples(compiled, samples, numerics, lambda *_: None)
    assert result.mismatches == ()
    assert result.tensors_checked >= 2 * len(compiled.graph.outputs)
    assert {run.cycles for run in result.runs} == {compiled.predicted_cycles}


@pytest.mark.parametrize("numerics", NUMERICS)
@pytest.mark.parametrize("name", MODELS)
def test_exact_or_refused(name: str, numerics: Numerics) -> None:
    if name in REFUSED:
        with pytest.raises(ModelError, match=REFUSED[name]):
            check(name, numerics)
    elif name in NOT_IN[numerics]:
        with pytest.raises(
            (ModelError, ToolError), match=r"interpreter (refuses|aborted on) the model .*instead: --num"
        ):
            check(name, numerics)
    elif name in MISRECORDED and numerics == "tflm":
        with pytest.raises(ModelError, match=r"keeps to recorded shapes, and tensor .*--numerics litert-ref"):
            check(name, numerics)
    else:
        check(name, numerics)


def test_tables_name_models_that_there_are() -> None:
    names = {path.stem for path in FOLDER.glob("*.tflite")}
    assert names >= {*REFUSED, *MISRECORDED, *QUICK, *NOT_IN["litert-ref"], *NOT_IN["tflm"]}


def test_the_folder_stays_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.glob("*.tflite")) < 600_000

"""Convert small Keras networks as people do, to see and to keep what the converter makes of them.

    python -m pip install "tensorflow-cpu==2.21.0" "tf_keras==2.21.0"
    python tests/keras_models/make.py [NAME ...]

writes ``NAME.tflite`` beside this file. The weights are random, with fixed seeds: nothing is trained.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import classifiers
import layers
import numpy as np
import pictures
import sequences
import tensorflow as tf
import tf_keras

HERE = Path(__file__).resolve().parent
LARGEST = 22_000
"""Bytes: a file that is larger is not kept."""
SAMPLES = 64
"""Of the representative data set."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is converted; the defaults are TensorFlow's post-training integer quantisation guide.

    ``weights`` of "int8" is that guide's full integer recipe; "dynamic", "float16", "int16x8" and
    "float32" are the other recipes of the guide, which this compiler refuses.
    """

    build: Callable[[Any], Any]
    keras: Any = tf.keras
    type_in: Any = tf.int8
    type_out: Any = tf.int8
    per_channel: bool = True
    batch: int | None = None
    weights: str = "int8"


@dataclass(frozen=True, kw_only=True)
class FixedBatch:
    """Keras, but for inputs, which get a batch of ``batch`` in place of an open one."""

    keras: Any
    batch: int

    def __getattr__(self, name: str) -> Any:
        return getattr(self.keras, name)

    def Input(self, shape: tuple[int, ...], **options: Any) -> Any:  # noqa: N802 (Keras's name)
        return self.keras.Input(batch_shape=(self.batch, *shape), **options)


def recipes() -> dict[str, Recipe]:
    """All networks, by the name of their file."""
    plain = {
        build.__name__: Recipe(build=build)
        for module in (classifiers, pictures, sequences, layers)
        for build in vars(module).values()
        if callable(build) and build.__module__ == module.__name__ and _builds(build)
    }
    return {
        **plain,
        "normalised_input_uint8": Recipe(
            build=classifiers.normalised_input, type_in=tf.uint8, type_out=tf.uint8
        ),
        "resnet_float": Recipe(build=classifiers.resnet, type_in=tf.float32, type_out=tf.float32),
        "transposes_uint8_float": Recipe(build=pictures.transposes, type_in=tf.uint8, type_out=tf.float32),
        "mobilenet_v2_per_tensor": Recipe(build=classifiers.mobilenet_v2, per_channel=False),
        "transposes_per_tensor": Recipe(build=pictures.transposes, per_channel=False),
        "densenet_batch_1": Recipe(build=classifiers.densenet, batch=1),
        "temporal_convolutions_batch_1": Recipe(build=sequences.temporal_convolutions, batch=1),
        "attention_batch_1": Recipe(build=sequences.attention, batch=1),
        "cnn_keras_2": Recipe(build=classifiers.cnn, keras=tf_keras),
        "unet_nearest_keras_2": Recipe(build=pictures.unet_nearest, keras=tf_keras),
        "lstm_keras_2_batch_1": Recipe(build=sequences.lstm, keras=tf_keras, batch=1),
        "pooling_float32": Recipe(build=classifiers.pooling, weights="float32"),
        "pooling_float16": Recipe(build=classifiers.pooling, weights="float16"),
        "cnn_dynamic": Recipe(build=classifiers.cnn, weights="dynamic"),
        "pooling_int16x8": Recipe(build=classifiers.pooling, weights="int16x8"),
    }


def _builds(function: Callable[..., Any]) -> bool:
    """Whether ``function`` takes the Keras module alone and is public: a network."""
    code = function.__code__
    return not function.__name__.startswith("_") and code.co_varnames[: code.co_argcount] == ("k",)


def scatter(model: Any, random: np.random.Generator) -> None:
    """Random statistics, biases and slopes in place of the zeros and ones that layers start with."""
    for variable in model.variables:
        name, shape = variable.name.split("/")[-1].split(":")[0], variable.shape
        if name in ("gamma", "moving_variance"):
            variable.assign(random.uniform(0.5, 1.5, shape))
        elif name in ("beta", "moving_mean", "bias", "embeddings"):
            variable.assign(random.normal(0.0, 0.3, shape))
        elif name == "alpha":
            variable.assign(random.uniform(0.05, 0.5, shape))


def samples(model: Any, random: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Random inputs by name, a batch of 1: normal numbers, or whole ones where an input takes those.

    By name, as the converter has an order of its own.
    """
    for _ in range(SAMPLES):
        yield {
            source.name: random.integers(0, 50, (1, *source.shape[1:])).astype(np.int32)
            if "int" in str(source.dtype)
            else random.normal(0.0, 1.0, (1, *source.shape[1:])).astype(np.float32)
            for source in model.inputs
        }


def convert(name: str, recipe: Recipe) -> bytes:
    """The .tflite file of ``recipe``, the same each time."""
    seed = crc32(name.encode())
    recipe.keras.backend.clear_session()
    recipe.keras.utils.set_random_seed(seed % 2**31)
    random = np.random.default_rng(seed)
    keras = recipe.keras if recipe.batch is None else FixedBatch(keras=recipe.keras, batch=recipe.batch)
    model = recipe.build(keras)
    scatter(model, random)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    return quantise(converter, recipe, lambda: samples(model, random))


def quantise(converter: Any, recipe: Recipe, data: Callable[[], Iterator[dict[str, Any]]]) -> bytes:
    """What ``converter`` makes with the settings of ``recipe``."""
    if recipe.weights != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if recipe.weights in ("int8", "int16x8"):
        converter.representative_dataset = data
    if recipe.weights == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if recipe.weights == "int16x8":
        int16x8 = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        converter.target_spec.supported_ops = [int16x8]
    if recipe.weights == "int8":
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = recipe.type_in
        converter.inference_output_type = recipe.type_out
    converter._experimental_disable_per_channel = not recipe.per_channel
    return bytes(converter.convert())


def main(names: list[str]) -> None:
    """Convert the networks named, or all of them."""
    for name, recipe in recipes().items():
        if names and name not in names:
            continue
        try:
            model = convert(name, recipe)
        except Exception as error:  # whatever a converter's pass throws: it is what users see as well
            print(f"{name}: not converted: {str(error).strip().splitlines()[0][:300]}")
            continue
        kept = len(model) <= LARGEST
        if kept:
            (HERE / f"{name}.tflite").write_bytes(model)
        print(f"{name}: {len(model):,} bytes{'' if kept else ', not kept'}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

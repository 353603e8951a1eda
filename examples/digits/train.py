"""Train and quantise the digits example: 8x8 handwritten digits in, ten classes out, all int8.

TensorFlow is needed for this alone; the network that it writes is committed beside it.

    python -m pip install "tensorflow-cpu==2.21.0" "scikit-learn==1.9.1" "ai-edge-litert==2.3.0"
    python examples/digits/train.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

HERE = Path(__file__).resolve().parent
MODEL = HERE / "digits_int8.tflite"
SEED = 7
EPOCHS = 40
BATCH = 64
CLASSES = 10
GREY_LEVELS = 16.0
"""The data set's pixels are 0..16."""

Images = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


def load() -> tuple[Images, Images, Labels, Labels]:
    """Training and held-out images (n, 8, 8, 1) in 0..1, and their labels; a fifth is held out."""
    digits = load_digits()
    images = (digits.images / GREY_LEVELS).astype(np.float32)[..., np.newaxis]
    split = train_test_split(images, digits.target, test_size=0.2, random_state=SEED, stratify=digits.target)
    return tuple(split)  # type: ignore[return-value]


def make_network(batch: int | None) -> tf.keras.Model:
    """A convolution, two depthwise-separable ones, average pool, dense, softmax."""
    layers = tf.keras.layers
    return tf.keras.Sequential([
        layers.Input((8, 8, 1), batch_size=batch),
        layers.Conv2D(16, 3, padding="same", activation="relu"),
        layers.DepthwiseConv2D(3, padding="same", activation="relu"),
        layers.Conv2D(32, 1, activation="relu"),
        layers.DepthwiseConv2D(3, strides=2, padding="same", activation="relu"),
        layers.Conv2D(32, 1, activation="relu"),
        layers.AveragePooling2D(2),
        layers.Flatten(),
        layers.Dense(CLASSES, activation="softmax"),
    ])


def with_shifts(images: Images, labels: Labels) -> tuple[Images, Labels]:
    """The images, and each of them moved by one pixel left, right, up and down."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    corners = ((1, 1), (1, 0), (1, 2), (0, 1), (2, 1))
    moved = [padded[:, y : y + 8, x : x + 8] for y, x in corners]
    return np.concatenate(moved), np.tile(labels, len(corners))


def train(images: Images, labels: Labels) -> tf.keras.Model:
    """A trained network with batch size 1, the batch that the hardware runs."""
    images, labels = with_shifts(images, labels)
    trainable = make_network(batch=None)
    steps = EPOCHS * -(-len(images) // BATCH)
    rate = tf.keras.optimizers.schedules.CosineDecay(4e-3, steps)
    trainable.compile(tf.keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    trainable.fit(images, labels, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    network = make_network(batch=1)
    network.set_weights(trainable.get_weights())
    return network


def quantise(network: tf.keras.Model, images: Images) -> bytes:
    """The .tflite file: int8 weights, activations, input and output, ranges taken from ``images``."""
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[np.newaxis]] for image in images)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def to_int8(images: Images, scale: float, zero_point: int) -> npt.NDArray[np.int8]:
    """``images`` as the network's input bytes."""
    return np.clip(np.rint(images / scale) + zero_point, -128, 127).astype(np.int8)


def predict(model: bytes, images: Images) -> tuple[npt.NDArray[np.int8], Labels]:
    """Input bytes (n, 8, 8, 1), and the class that LiteRT's reference kernels see in each."""
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    source, sink = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    inputs = to_int8(images, *source["quantization"])
    classes = []
    for image in inputs:
        interpreter.set_tensor(source["index"], image[np.newaxis])
        interpreter.invoke()
        classes.append(int(interpreter.get_tensor(sink["index"])[0].argmax()))
    return inputs, np.array(classes)


def write_samples(inputs: npt.NDArray[np.int8], labels: Labels) -> None:
    """The first held-out image of each class as ``digit_LABEL.npy``, whatever the network sees in it."""
    for label in range(CLASSES):
        first = int(np.flatnonzero(labels == label)[0])
        np.save(HERE / f"digit_{label}.npy", inputs[first : first + 1])


def main() -> None:
    """Train, quantise, measure, write."""
    tf.keras.utils.set_random_seed(SEED)
    tf.config.experimental.enable_op_determinism()
    train_images, test_images, train_labels, test_labels = load()
    network = train(train_images, train_labels)
    scores = np.concatenate([network(image[np.newaxis]).numpy() for image in test_images])
    model = quantise(network, train_images[:256])
    MODEL.write_bytes(model)
    inputs, classes = predict(model, test_images)
    write_samples(inputs, test_labels)
    (HERE / "labels.txt").write_text("".join(f"{label}\n" for label in range(CLASSES)))
    total = len(test_labels)
    print(f"float: {np.mean(scores.argmax(1) == test_labels):.2%} of {total} held-out images")
    print(f"int8 : {np.mean(classes == test_labels):.2%} of {total} held-out images")
    print(f"{MODEL.name}: {len(model):,} bytes")


if __name__ == "__main__":
    main()

"""Train a small residual network on handwritten digits and write it as an int8 .tflite file.

python -m pip install "tensorflow-cpu==2.21.0" "scikit-learn==1.9.1"
python train.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tensorflow.keras import layers

HERE = Path(__file__).resolve().parent


def load() -> list[np.ndarray]:
    """Training and test images (n, 16, 16, 1) with pixels 0..1, and their labels."""
    digits = load_digits()
    images = (digits.images / 16.0).astype(np.float32)[..., np.newaxis]
    images = tf.image.resize(images, (16, 16)).numpy()
    return train_test_split(images, digits.target, test_size=0.2, random_state=1, stratify=digits.target)


def conv_bn(x: tf.Tensor, filters: int, stride: int = 1) -> tf.Tensor:
    """A 3x3 convolution with batch normalisation."""
    x = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x)
    return layers.BatchNormalization()(x)


def residual(x: tf.Tensor, filters: int) -> tf.Tensor:
    """Two convolutions beside a shortcut; the shortcut gets a 1x1 convolution where the channels change."""
    y = layers.ReLU(6.0)(conv_bn(x, filters))
    y = conv_bn(y, filters)
    if x.shape[-1] != filters:
        x = layers.BatchNormalization()(layers.Conv2D(filters, 1, use_bias=False)(x))
    return layers.ReLU(6.0)(layers.Add()([x, y]))


def make_network() -> tf.keras.Model:
    """A stem, two residual blocks with a pooling between them, and a classifier."""
    source = layers.Input((16, 16, 1))
    x = layers.ReLU(6.0)(conv_bn(source, 8, stride=2))
    x = residual(x, 8)
    x = layers.MaxPooling2D(2)(x)
    x = residual(x, 16)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.2)(x)
    return tf.keras.Model(source, layers.Dense(10, activation="softmax")(x))


def to_tflite(network: tf.keras.Model, images: np.ndarray) -> bytes:
    """Full integer quantisation: TensorFlow's recipe, with ``images`` as the representative data."""
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([image[np.newaxis]] for image in images)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return converter.convert()


def accuracy(model: bytes, images: np.ndarray, labels: np.ndarray) -> float:
    """The share of ``images`` that the .tflite file sees right."""
    interpreter = tf.lite.Interpreter(model_content=model)
    interpreter.allocate_tensors()
    source, sink = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    right = 0
    for image, label in zip(quantise(images, source), labels, strict=True):
        interpreter.set_tensor(source["index"], image[np.newaxis])
        interpreter.invoke()
        right += interpreter.get_tensor(sink["index"]).argmax() == label
    return right / len(labels)


def quantise(images: np.ndarray, source: dict) -> np.ndarray:
    """``images`` as int8, with the scale and the zero point of the network's input."""
    scale, zero_point = source["quantization"]
    return np.clip(np.rint(images / scale) + zero_point, -128, 127).astype(np.int8)


def main() -> None:
    """Train, convert, measure; write the model, three test images and the class names."""
    tf.keras.utils.set_random_seed(1)
    train_images, test_images, train_labels, test_labels = load()
    network = make_network()
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    network.fit(train_images, train_labels, batch_size=32, epochs=30, verbose=2)
    _, before = network.evaluate(test_images, test_labels, verbose=0)
    model = to_tflite(network, train_images[:200])
    (HERE / "model.tflite").write_bytes(model)
    source = tf.lite.Interpreter(model_content=model).get_input_details()[0]
    for digit in (2, 5, 9):
        first = np.flatnonzero(test_labels == digit)[:1]
        np.save(HERE / f"sample_{digit}.npy", quantise(test_images[first], source))
    (HERE / "labels.txt").write_text("".join(f"{digit}\n" for digit in range(10)))
    print(f"float: {before:.2%} of {len(test_labels)} test images")
    print(f"int8 : {accuracy(model, test_images, test_labels):.2%} of {len(test_labels)} test images")
    print(f"model.tflite: {len(model):,} bytes")


if __name__ == "__main__":
    main()

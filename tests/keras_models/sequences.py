"""Networks over time: Conv1D, recurrent layers, attention, embeddings."""

from __future__ import annotations

from classifiers import Keras, Model, Tensor


def conv1d(k: Keras) -> Model:
    """Conv1D with batch normalisation and pooling, separable and strided."""
    source = k.Input((32, 3))
    x = k.layers.Conv1D(8, 5, padding="same", use_bias=False)(source)
    x = k.layers.ReLU()(k.layers.BatchNormalization()(x))
    x = k.layers.MaxPooling1D(2)(x)
    x = k.layers.Conv1D(8, 3, strides=2, activation="relu")(x)
    x = k.layers.SeparableConv1D(8, 3, padding="same", activation="relu")(x)
    x = k.layers.AveragePooling1D(2, padding="same")(x)
    return k.Model(source, k.layers.Dense(5, activation="softmax")(k.layers.GlobalAveragePooling1D()(x)))


def temporal_convolutions(k: Keras) -> Model:
    """A TCN: causal convolutions, dilated 1, 2 and 4, with residuals."""
    source = k.Input((24, 4))
    x = k.layers.Conv1D(8, 1)(source)
    for dilation in (1, 2, 4):
        y = k.layers.Conv1D(8, 3, padding="causal", dilation_rate=dilation, activation="relu")(x)
        x = k.layers.Activation("relu")(k.layers.Add()([x, k.layers.SpatialDropout1D(0.1)(y)]))
    return k.Model(source, k.layers.Dense(3)(k.layers.GlobalMaxPooling1D()(x)))


def _recurrent(k: Keras, layer: Tensor) -> Model:
    source = k.Input((2, 4))
    return k.Model(source, k.layers.Dense(3, activation="softmax")(layer(source)))


def lstm(k: Keras) -> Model:
    """An LSTM as a loop: one operator of Keras 2's with a batch of 1; otherwise the recipe fails."""
    return _recurrent(k, k.layers.LSTM(8))


def lstm_unrolled(k: Keras) -> Model:
    """An LSTM, unrolled."""
    return _recurrent(k, k.layers.LSTM(6, unroll=True))


def gru_unrolled(k: Keras) -> Model:
    """A GRU, unrolled."""
    return _recurrent(k, k.layers.GRU(5, unroll=True))


def transformer(k: Keras) -> Model:
    """A transformer block: multi-head attention, layer normalisation, GELU, residuals."""
    source = k.Input((10, 8))
    y = k.layers.LayerNormalization(epsilon=1e-5)(source)
    x = k.layers.Add()([source, k.layers.MultiHeadAttention(2, 4)(y, y)])
    y = k.layers.LayerNormalization(epsilon=1e-5)(x)
    y = k.layers.Dense(8)(k.layers.Dense(16, activation="gelu")(y))
    x = k.layers.GlobalAveragePooling1D()(k.layers.Add()([x, y]))
    return k.Model(source, k.layers.Dense(4, activation="softmax")(x))


def attention(k: Keras) -> Model:
    """Dot-product attention and attention pooling by a softmax over time."""
    source = k.Input((8, 6))
    query, value = k.layers.Dense(6)(source), k.layers.Dense(6)(source)
    x = k.layers.Attention()([query, value])
    weight = k.layers.Softmax(axis=1)(k.layers.Dense(1)(x))
    x = k.layers.Dot(axes=1)([weight, x])
    return k.Model(source, k.layers.Dense(3)(k.layers.Flatten()(x)))


def vision_transformer(k: Keras) -> Model:
    """Patches by a strided convolution, a learnt position, one attention head of one block."""
    source = k.Input((12, 12, 1))
    x = k.layers.Reshape((9, 8))(k.layers.Conv2D(8, 4, strides=4)(source))
    x = k.layers.EinsumDense("abc,cd->abd", (9, 8), bias_axes="d")(x)
    y = k.layers.LayerNormalization()(x)
    x = k.layers.Add()([x, k.layers.MultiHeadAttention(1, 8)(y, y)])
    return k.Model(source, k.layers.Dense(4)(k.layers.Flatten()(k.layers.LayerNormalization()(x))))


def embedding(k: Keras) -> Model:
    """Words' numbers in: embedding, average over time, dense layers."""
    source = k.Input((12,), dtype="int32")
    x = k.layers.GlobalAveragePooling1D()(k.layers.Embedding(50, 8)(source))
    x = k.layers.Dense(8, activation="relu")(x)
    return k.Model(source, k.layers.Dense(1, activation="sigmoid")(x))

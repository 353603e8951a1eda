"""Single layers and TensorFlow functions, many in one network."""

from __future__ import annotations

from collections.abc import Callable

from classifiers import Keras, Model, Tensor


def activations(k: Keras) -> Model:
    """The usual activations, each on a convolution of its own, concatenated."""
    source = k.Input((6, 6, 2))
    names = ("tanh", "sigmoid", "swish", "gelu", "hard_sigmoid", "relu6", "softmax")
    outputs = [k.layers.Conv2D(2, 1, activation=name)(source) for name in names]
    outputs.append(k.layers.LeakyReLU(0.1)(k.layers.Conv2D(2, 1)(source)))
    outputs.append(k.layers.PReLU()(k.layers.Conv2D(2, 1)(source)))
    outputs.append(k.layers.PReLU(shared_axes=[1, 2])(k.layers.Conv2D(2, 1)(source)))
    return k.Model(source, k.layers.Concatenate()(outputs))


def elu(k: Keras) -> Model:
    """ELU, which the converter leaves in float32, between convolutions."""
    source = k.Input((6, 6, 2))
    x = k.layers.ELU(0.5)(k.layers.Conv2D(4, 3, activation="elu")(source))
    return k.Model(source, k.layers.Conv2D(2, 1)(x))


def rare_activations(k: Keras) -> Model:
    """Activations that TFLite has no operator for, and ReLUs with other bounds."""
    source = k.Input((12,))
    names = ("selu", "softplus", "softsign", "exponential", "mish", "log_softmax", "hard_swish")
    if not hasattr(k, "ops"):
        names = names[:-1]
    outputs = [k.layers.Dense(4, activation=getattr(k.activations, name))(source) for name in names]
    dense = k.layers.Dense(4)(source)
    outputs.append(k.layers.ReLU(max_value=1.0)(dense))
    outputs.append(k.layers.ReLU(negative_slope=0.2, max_value=4.0, threshold=0.5)(dense))
    return k.Model(source, outputs)


def exact_gelu(k: Keras) -> Model:
    """GELU with the error function and with its tanh approximation."""
    source = k.Input((6,))
    exact = k.layers.Lambda(lambda x: k.activations.gelu(x, approximate=False))(k.layers.Dense(8)(source))
    close = k.layers.Lambda(lambda x: k.activations.gelu(x, approximate=True))(k.layers.Dense(8)(source))
    return k.Model(source, [exact, close])


def shapes(k: Keras) -> Model:
    """Padding, cropping, permuting, reshaping, repeating."""
    source = k.Input((8, 6, 3))
    x = k.layers.ZeroPadding2D((2, 1))(source)
    x = k.layers.MaxPooling2D(2)(x)
    x = k.layers.Cropping2D(((1, 0), (1, 1)))(x)
    x = k.layers.Permute((3, 1, 2))(x)
    x = k.layers.Reshape((5, -1))(x)
    x = k.layers.Permute((2, 1))(x)
    y = k.layers.Reshape((2, 2))(k.layers.Dense(4)(k.layers.Flatten()(x)))
    y = k.layers.Cropping1D((1, 0))(k.layers.ZeroPadding1D(1)(y))
    return k.Model(source, [x, y])


def merges(k: Keras) -> Model:
    """Every merging layer, of two and of three tensors, and arithmetic with constants."""
    return k.Model(*_merges(k))


def merges_concatenated(k: Keras) -> Model:
    """The same and a negation, concatenated: the converter does all of that in float32."""
    source, outputs = _merges(k)
    return k.Model(source, k.layers.Concatenate()([*outputs, -outputs[0]]))


def _merges(k: Keras) -> tuple[Tensor, list[Tensor]]:
    source = k.Input((6, 6, 4))
    a, b, c = (k.layers.Conv2D(4, 3, padding="same")(source) for _ in range(3))
    outputs = [k.layers.Maximum()([a, b]), k.layers.Minimum()([a, b, c]), k.layers.Subtract()([a, b])]
    outputs += [k.layers.Multiply()([a, c]), k.layers.Average()([b, c]), k.layers.Average()([a, b, c])]
    outputs += [k.layers.Add()([a, b, c]), 1.0 - a, b * 0.5 + 2.0]
    return source, outputs


def broadcasts(k: Keras) -> Model:
    """Element-wise arithmetic of tensors of different shapes and ranks."""
    source = k.Input((6, 4, 3))
    row = k.layers.Lambda(lambda x: _tf().reduce_mean(x, 1, keepdims=True))(source)
    column = k.layers.Lambda(lambda x: _tf().reduce_max(x, 2, keepdims=True))(source)
    mask = k.layers.Conv2D(1, 1, activation="sigmoid")(source)
    gate = k.layers.Dense(3)(k.layers.GlobalAveragePooling2D()(source))
    outputs = [source * mask, row * column, k.layers.Add()([source, row]), source - column]
    outputs.append(k.layers.Lambda(lambda x: x[0] - x[1][:, None, None, :])([source, gate]))
    outputs.append(k.layers.Lambda(lambda x: _tf().maximum(x, _tf().constant([0.1, 0.2, 0.3])))(source))
    return k.Model(source, outputs)


def _tf() -> Tensor:
    import tensorflow as tf

    return tf


def _functions(k: Keras, shape: tuple[int, ...], functions: list[Callable[[Tensor], Tensor]]) -> Model:
    source = k.Input(shape)
    return k.Model(source, [k.layers.Lambda(function)(source) for function in functions])


def reductions(k: Keras) -> Model:
    """Means, sums, maxima and minima over various axes."""
    tf = _tf()
    return _functions(
        k,
        (6, 5, 4),
        [
            lambda x: tf.reduce_mean(x, [1, 2]),
            lambda x: tf.reduce_mean(x, 3, keepdims=True),
            lambda x: tf.reduce_mean(x, 1),
            lambda x: tf.reduce_mean(x, [1, 2, 3]),
            lambda x: tf.reduce_sum(x, 2),
            lambda x: tf.reduce_max(x, [1, 2], keepdims=True),
            lambda x: tf.reduce_max(x, -1),
            lambda x: tf.reduce_min(x, 2),
            lambda x: tf.math.reduce_std(x, 1),
        ],
    )


def functions_of_shape(k: Keras) -> Model:
    """TensorFlow's functions that only move bytes."""
    tf = _tf()
    return _functions(
        k,
        (8, 6, 4),
        [
            lambda x: tf.split(x, 2, axis=-1)[1],
            lambda x: tf.split(x, [3, 1, 4], axis=1)[2],
            lambda x: x[:, 1:-1, ::2, :],
            lambda x: x[:, ::-1],
            lambda x: x[:, 2],
            lambda x: tf.slice(x, [0, 1, 2, 0], [-1, 4, 3, 4]),
            lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 1], [0, 0]]),
            lambda x: tf.pad(x, [[0, 0], [1, 1], [2, 2], [0, 0]], constant_values=0.5),
            lambda x: tf.pad(x, [[0, 0], [2, 1], [1, 1], [0, 0]], mode="REFLECT"),
            lambda x: tf.pad(x, [[0, 0], [2, 1], [1, 1], [0, 0]], mode="SYMMETRIC"),
            lambda x: tf.gather(x, [3, 0, 3], axis=-1),
            lambda x: tf.gather(x, 1, axis=1),
            lambda x: tf.nn.space_to_depth(x, 2),
            lambda x: tf.stack([x, x * 0.5], axis=1),
            lambda x: tf.concat(tf.unstack(x, axis=2), axis=-1),
            lambda x: tf.reverse(x, [2]),
            lambda x: tf.transpose(x, [0, 2, 1, 3]),
            lambda x: tf.expand_dims(x, 1),
            lambda x: tf.squeeze(x[:, :1], 1),
            lambda x: tf.image.resize(x, (5, 9)),
            lambda x: tf.image.resize(x, (4, 3), method="nearest"),
            lambda x: tf.nn.space_to_batch(x, [2, 2], [[0, 0], [0, 0]]),
        ],
    )


def newer_versions(k: Keras) -> Model:
    """Functions whose operators get versions that LiteRT's reference kernels are not registered for."""
    tf = _tf()
    repeat = k.layers.RepeatVector(3)(k.layers.Flatten()(source := k.Input((4, 4, 4))))
    tile = k.layers.Lambda(lambda x: tf.tile(x, [1, 1, 2, 3]))(source)
    return k.Model(source, [repeat, tile, k.layers.Lambda(lambda x: tf.nn.depth_to_space(x, 2))(source)])


def arithmetic(k: Keras) -> Model:
    """TensorFlow's element-wise functions, on positive numbers where they have to be."""
    tf = _tf()
    source = k.Input((5, 4))
    positive = k.layers.Activation("sigmoid")(source)
    signed = [tf.abs, tf.square, tf.exp, tf.sin, tf.cos, tf.floor, tf.sign, tf.negative]
    signed += [lambda x: tf.clip_by_value(x, -0.5, 0.75), lambda x: tf.where(x > 0.0, x, 0.25 * x)]
    signed += [lambda x: tf.math.squared_difference(x, 0.5 * x), lambda x: tf.cumsum(x, axis=1)]
    strict = [tf.sqrt, tf.math.rsqrt, tf.math.log, lambda x: x**1.5, lambda x: 1.0 / (x + 1.0)]
    outputs = [k.layers.Lambda(function)(source) for function in signed]
    outputs += [k.layers.Lambda(function)(positive) for function in strict]
    return k.Model(source, outputs)


def normalised(k: Keras) -> Model:
    """L2, layer and group normalisation."""
    source = k.Input((6, 6, 4))
    x = k.layers.GroupNormalization(2)(k.layers.Conv2D(4, 3)(source))
    x = k.layers.LayerNormalization()(x)
    x = k.layers.Dense(6)(k.layers.Flatten()(x))
    return k.Model(source, k.layers.UnitNormalization()(x))


def unit_norm(k: Keras) -> Model:
    """A face-recognition head: a unit vector over the last axis."""
    source = k.Input((8, 8, 1))
    x = k.layers.Conv2D(6, 3, activation="relu")(source)
    x = k.layers.Dense(8)(k.layers.GlobalAveragePooling2D()(x))
    return k.Model(source, k.layers.Lambda(lambda y: _tf().math.l2_normalize(y, axis=-1))(x))


def arg_max(k: Keras) -> Model:
    """A classifier that answers the class's number, an int64 as Keras users get it."""
    source = k.Input((8, 8, 1))
    x = k.layers.Conv2D(6, 3, activation="relu")(source)
    x = k.layers.Dense(5)(k.layers.Flatten()(x))
    return k.Model(source, k.layers.Lambda(lambda y: _tf().argmax(y, axis=-1))(x))


def two_in_two_out(k: Keras) -> Model:
    """A picture and a vector in; a class and a value out."""
    picture, vector = k.Input((8, 8, 1), name="picture"), k.Input((5,), name="vector")
    x = k.layers.Flatten()(k.layers.Conv2D(4, 3, 2, activation="relu")(picture))
    x = k.layers.Concatenate()([x, k.layers.Dense(8, activation="relu")(vector)])
    x = k.layers.Dense(10, activation="relu")(x)
    return k.Model([picture, vector], [k.layers.Dense(3, activation="softmax")(x), k.layers.Dense(1)(x)])


def siamese(k: Keras) -> Model:
    """One network on two inputs, compared by their distance and their cosine."""
    encode = k.Sequential([
        k.layers.Input((8, 8, 1)),
        k.layers.Conv2D(4, 3, 2),
        k.layers.Flatten(),
        k.layers.Dense(6),
    ])
    left, right = k.Input((8, 8, 1)), k.Input((8, 8, 1))
    a, b = encode(left), encode(right)
    distance = k.layers.Lambda(lambda x: _tf().abs(x[0] - x[1]))([a, b])
    same = k.layers.Dense(1, activation="sigmoid")(distance)
    return k.Model([left, right], [same, k.layers.Dot(axes=1, normalize=True)([a, b])])

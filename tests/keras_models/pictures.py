"""Networks whose output is a picture, boxes or a code: decoders, segmentation, detection."""

from __future__ import annotations

from classifiers import Keras, Model, Tensor, conv_bn


def unet_transpose(k: Keras) -> Model:
    """A UNet with Conv2DTranspose (2x2 stride 2, 3x3 stride 2) and skip connections."""
    source = k.Input((16, 16, 1))
    a = conv_bn(k, source, 4)
    b = conv_bn(k, k.layers.MaxPooling2D()(a), 6)
    c = conv_bn(k, k.layers.MaxPooling2D()(b), 8)
    x = k.layers.Conv2DTranspose(6, 2, strides=2, padding="same")(c)
    x = conv_bn(k, k.layers.Concatenate()([x, b]), 6)
    x = k.layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu")(x)
    x = conv_bn(k, k.layers.Concatenate()([a, x]), 4)
    return k.Model(source, k.layers.Conv2D(1, 1, activation="sigmoid")(x))


def _unet_upsampling(k: Keras, interpolation: str) -> Model:
    source = k.Input((16, 16, 1))
    a = conv_bn(k, source, 4)
    b = conv_bn(k, k.layers.MaxPooling2D()(a), 6)
    c = conv_bn(k, k.layers.AveragePooling2D(2)(b), 8)
    for skip, filters in ((b, 6), (a, 4)):
        c = k.layers.UpSampling2D(2, interpolation=interpolation)(c)
        c = conv_bn(k, k.layers.Concatenate()([c, skip]), filters)
    return k.Model(source, k.layers.Conv2D(3, 1, activation="softmax")(c))


def unet_nearest(k: Keras) -> Model:
    """A UNet with nearest-neighbour upsampling, and a softmax over each pixel's classes."""
    return _unet_upsampling(k, "nearest")


def unet_bilinear(k: Keras) -> Model:
    """A UNet with bilinear upsampling, and a softmax over each pixel's classes."""
    return _unet_upsampling(k, "bilinear")


def transposes(k: Keras) -> Model:
    """Conv2DTranspose alone: VALID, stride 1, stride 3 wider than its filter, with batch normalisation."""
    source = k.Input((5, 5, 3))
    x = k.layers.Conv2DTranspose(6, 3, strides=2, use_bias=False)(source)
    x = k.layers.ReLU()(k.layers.BatchNormalization()(x))
    x = k.layers.Conv2DTranspose(4, 3, strides=1, padding="same", activation="relu")(x)
    return k.Model(source, k.layers.Conv2DTranspose(2, 2, strides=3, activation="tanh")(x))


def dense_autoencoder(k: Keras) -> Model:
    """Dense layers with batch normalisation, as MLPerf Tiny's anomaly detection."""
    x = source = k.Input((40,))
    for width in (24, 24, 6, 24, 24):
        x = k.layers.ReLU()(k.layers.BatchNormalization()(k.layers.Dense(width)(x)))
    return k.Model(source, k.layers.Dense(40)(x))


def super_resolution(k: Keras) -> Model:
    """Sub-pixel convolution: depth_to_space over a residual of the upsampled input."""
    import tensorflow as tf

    source = k.Input((10, 10, 1))
    x = k.layers.Conv2D(8, 3, padding="same", activation="relu")(source)
    x = k.layers.Conv2D(4, 3, padding="same")(x)
    x = k.layers.Lambda(lambda y: tf.nn.depth_to_space(y, 2))(x)
    return k.Model(source, k.layers.Add()([x, k.layers.UpSampling2D()(source)]))


def _predictions(k: Keras, x: Tensor, values: int) -> Tensor:
    return k.layers.Reshape((-1, values))(k.layers.Conv2D(2 * values, 3, padding="same")(x))


def detector(k: Keras) -> Model:
    """An SSD head: boxes and class scores of two scales, each concatenated; two outputs."""
    source = k.Input((16, 16, 3))
    a = conv_bn(k, conv_bn(k, source, 8, stride=2), 8, stride=2)
    b = conv_bn(k, a, 12, stride=2)
    boxes = k.layers.Concatenate(axis=1)([_predictions(k, a, 4), _predictions(k, b, 4)])
    scores = k.layers.Concatenate(axis=1)([_predictions(k, a, 3), _predictions(k, b, 3)])
    return k.Model(source, [boxes, k.layers.Activation("sigmoid")(scores)])


def segmentation(k: Keras) -> Model:
    """An ASPP head (dilations, image pooling broadcast by resizing) and an arg max over classes."""
    import tensorflow as tf

    source = k.Input((16, 16, 3))
    x = conv_bn(k, source, 8, stride=2)
    pooled = k.layers.Conv2D(4, 1, activation="relu")(k.layers.GlobalAveragePooling2D(keepdims=True)(x))
    x = k.layers.Concatenate()([
        k.layers.Conv2D(4, 1, activation="relu")(x),
        k.layers.Conv2D(4, 3, padding="same", dilation_rate=2, activation="relu")(x),
        k.layers.Conv2D(4, 3, padding="same", dilation_rate=4, activation="relu")(x),
        k.layers.UpSampling2D(8, interpolation="bilinear")(pooled),
    ])
    x = k.layers.Lambda(lambda y: tf.image.resize(y, (16, 16)))(k.layers.Conv2D(5, 1)(x))
    return k.Model(source, k.layers.Lambda(lambda y: tf.argmax(y, -1, output_type=tf.int32))(x))

"""Image classifiers: the blocks that the well-known families are made of, with few channels."""

from __future__ import annotations

from typing import Any

Keras = Any
"""The module `tf.keras` (Keras 3) or `tf_keras` (Keras 2)."""
Model = Any
Tensor = Any


def conv_bn(k: Keras, x: Tensor, filters: int, size: int = 3, stride: int = 1, relu: bool = True) -> Tensor:
    """Convolution without bias, batch normalisation and, unless told otherwise, ReLU6."""
    x = k.layers.Conv2D(filters, size, stride, padding="same", use_bias=False)(x)
    x = k.layers.BatchNormalization()(x)
    return k.layers.ReLU(6.0)(x) if relu else x


def depthwise_bn(k: Keras, x: Tensor, stride: int = 1) -> Tensor:
    """Depthwise 3x3, batch normalisation, ReLU6."""
    x = k.layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(x)
    return k.layers.ReLU(6.0)(k.layers.BatchNormalization()(x))


def head(k: Keras, source: Tensor, x: Tensor, classes: int = 10) -> Model:
    """Global average pooling, dropout, dense and softmax."""
    x = k.layers.GlobalAveragePooling2D()(x)
    x = k.layers.Dropout(0.2)(x)
    return k.Model(source, k.layers.Dense(classes, activation="softmax")(x))


def cnn(k: Keras) -> Model:
    """The tutorials' network: Conv+BN+ReLU6, max pooling, flatten, dense."""
    layers = k.layers
    return k.Sequential([
        layers.Input((16, 16, 1)),
        layers.Conv2D(8, 3, use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(6.0),
        layers.MaxPooling2D(),
        layers.Conv2D(12, 3, padding="same"),
        layers.BatchNormalization(),
        layers.Activation("relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(24, activation="relu"),
        layers.Dropout(0.3),
        layers.Dense(10, activation="softmax"),
    ])


def normalised_input(k: Keras) -> Model:
    """Rescaling, batch normalisation and average pooling on the input: arithmetic that nothing absorbs."""
    source = k.Input((12, 12, 3))
    x = k.layers.Rescaling(1.0 / 127.5, offset=-1.0)(source)
    x = k.layers.BatchNormalization()(x)
    x = conv_bn(k, x, 8, stride=2)
    return head(k, source, k.layers.AveragePooling2D(2)(x), 4)


def mobilenet_v1(k: Keras) -> Model:
    """Depthwise-separable blocks with explicit asymmetrical padding before a VALID stride of 2."""
    source = k.Input((16, 16, 3))
    x = conv_bn(k, source, 8, stride=2)
    x = conv_bn(k, depthwise_bn(k, x), 12, 1)
    x = k.layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
    x = k.layers.DepthwiseConv2D(3, 2, padding="valid", use_bias=False)(x)
    x = k.layers.ReLU(6.0)(k.layers.BatchNormalization()(x))
    x = conv_bn(k, x, 16, 1)
    x = k.layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = k.layers.Conv2D(10, 1)(k.layers.Dropout(0.1)(x))
    return k.Model(source, k.layers.Softmax()(k.layers.Reshape((10,))(x)))


def mobilenet_v2(k: Keras) -> Model:
    """Inverted residuals with linear bottlenecks."""
    source = k.Input((16, 16, 3))
    x = conv_bn(k, source, 8, stride=2)
    for stride in (1, 2):
        y = conv_bn(k, depthwise_bn(k, conv_bn(k, x, 24, 1), stride), 8, 1, relu=False)
        x = k.layers.Add()([x, y]) if stride == 1 else y
    return head(k, source, conv_bn(k, x, 32, 1))


def squeeze_excite(k: Keras, x: Tensor, gate: str, convolution: bool) -> Tensor:
    """``x`` times its channels' gates; dense layers, or 1x1 convolutions on what keepdims leaves."""
    channels = x.shape[-1]
    y = k.layers.GlobalAveragePooling2D(keepdims=convolution)(x)
    if convolution:
        y = k.layers.Conv2D(4, 1, activation="relu")(y)
        y = k.layers.Conv2D(channels, 1, activation=gate)(y)
    else:
        y = k.layers.Dense(4, activation="relu")(y)
        y = k.layers.Dense(channels, activation=gate)(y)
        y = k.layers.Reshape((1, 1, channels))(y)
    return k.layers.Multiply()([x, y])


def hard_swish(k: Keras, x: Tensor) -> Tensor:
    """x * relu6(x + 3) / 6, as MobileNetV3's Keras code spells it."""
    gate = k.layers.ReLU(6.0)(x + 3.0) * (1.0 / 6.0)
    return k.layers.Multiply()([x, gate])


def mobilenet_v3(k: Keras) -> Model:
    """Hard-swish and squeeze-and-excite, the gates hard sigmoids made of ReLU6."""
    source = k.Input((16, 16, 3))
    x = hard_swish(k, conv_bn(k, source, 8, stride=2, relu=False))
    y = k.layers.DepthwiseConv2D(5, padding="same", use_bias=False)(conv_bn(k, x, 16, 1))
    y = hard_swish(k, k.layers.BatchNormalization()(y))
    y = squeeze_excite(k, y, "hard_sigmoid", convolution=True)
    x = k.layers.Add()([x, conv_bn(k, y, 8, 1, relu=False)])
    return head(k, source, hard_swish(k, conv_bn(k, x, 16, 1, relu=False)))


def efficientnet(k: Keras) -> Model:
    """Swish and squeeze-and-excite with sigmoid gates, dense."""
    source = k.Input((16, 16, 3))
    x = k.layers.Conv2D(8, 3, 2, padding="same", activation="swish")(source)
    y = k.layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    y = k.layers.Activation("swish")(k.layers.BatchNormalization()(y))
    y = conv_bn(k, squeeze_excite(k, y, "sigmoid", convolution=False), 8, 1, relu=False)
    return head(k, source, k.layers.Add()([x, y]))


def resnet(k: Keras) -> Model:
    """Two residual blocks, ReLU after the sum, the second with a projection."""
    source = k.Input((16, 16, 3))
    x = k.layers.ReLU()(k.layers.BatchNormalization()(k.layers.Conv2D(8, 3, padding="same")(source)))
    for filters, stride in ((8, 1), (12, 2)):
        y = conv_bn(k, conv_bn(k, x, filters, 3, stride), filters, relu=False)
        short = x if stride == 1 else conv_bn(k, x, filters, 1, stride, relu=False)
        x = k.layers.Activation("relu")(k.layers.Add()([y, short]))
    return head(k, source, x)


def inception(k: Keras) -> Model:
    """Four branches of different ranges, concatenated, twice."""
    x = source = k.Input((12, 12, 3))
    for _ in range(2):
        pooled = k.layers.MaxPooling2D(3, strides=1, padding="same")(x)
        x = k.layers.Concatenate()([
            conv_bn(k, x, 4, 1),
            conv_bn(k, conv_bn(k, x, 4, 1), 6),
            k.layers.Conv2D(4, 5, padding="same", activation="relu")(x),
            k.layers.Conv2D(4, 1)(pooled),
        ])
    return head(k, source, x)


def densenet(k: Keras) -> Model:
    """Batch normalisation and ReLU after each concatenation, before the convolution."""
    source = k.Input((12, 12, 1))
    x = k.layers.Conv2D(6, 3, padding="same")(source)
    for _ in range(3):
        y = k.layers.ReLU()(k.layers.BatchNormalization()(x))
        x = k.layers.Concatenate()([x, k.layers.Conv2D(4, 3, padding="same", use_bias=False)(y)])
    x = k.layers.AveragePooling2D(2, 2)(k.layers.BatchNormalization()(x))
    return head(k, source, k.layers.Activation("relu")(x))


def pooling(k: Keras) -> Model:
    """Max and average pooling, SAME and VALID, windows that overlap and that hang over the edge."""
    source = k.Input((15, 13, 4))
    x = k.layers.MaxPooling2D(3, strides=2, padding="same")(source)
    x = k.layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = k.layers.AveragePooling2D(3, strides=2, padding="same")(x)
    x = k.layers.AveragePooling2D((2, 3), strides=1, padding="same")(x)
    x = k.layers.MaxPooling2D((3, 2), strides=(1, 2))(x)
    return k.Model(source, k.layers.Dense(5)(k.layers.GlobalMaxPooling2D()(x)))


def convolutions(k: Keras) -> Model:
    """Dilation 2 and 4, depth multiplier 2, separable, 5x1 and strided VALID convolutions."""
    source = k.Input((20, 20, 2))
    x = k.layers.Conv2D(6, 3, padding="same", dilation_rate=2, activation="relu")(source)
    x = k.layers.Conv2D(6, 3, dilation_rate=4, activation="relu")(x)
    x = k.layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same")(x)
    x = k.layers.DepthwiseConv2D(3, padding="same", dilation_rate=2, activation="relu")(x)
    x = k.layers.SeparableConv2D(8, 3, strides=2, padding="same", activation="relu")(x)
    x = k.layers.Conv2D(8, (5, 1), strides=(1, 2), activation="relu")(x)
    return k.Model(source, k.layers.Dense(6)(k.layers.Flatten()(x)))


def grouped(k: Keras) -> Model:
    """A grouped convolution and a channel shuffle (ShuffleNet)."""
    source = k.Input((8, 8, 4))
    x = k.layers.Conv2D(8, 3, padding="same", groups=2, activation="relu")(source)
    x = k.layers.Reshape((8, 8, 2, 4))(x)
    x = k.layers.Reshape((8, 8, 8))(k.layers.Permute((1, 2, 4, 3))(x))
    return head(k, source, k.layers.Conv2D(8, 1, groups=4)(x))

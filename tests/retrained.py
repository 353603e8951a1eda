"""A model as a second training might leave it: other weights, biases and scales, the same structure."""

from __future__ import annotations

from typing import Any

import numpy as np
import tflite

WEIGHTED = (
    tflite.BuiltinOperator.CONV_2D,
    tflite.BuiltinOperator.DEPTHWISE_CONV_2D,
    tflite.BuiltinOperator.FULLY_CONNECTED,
)
KEEPS_SCALE = (tflite.BuiltinOperator.AVERAGE_POOL_2D, tflite.BuiltinOperator.RESHAPE)


def retrained(content: bytes, seed: int, *, change: float = 0.1, scales: bool = True) -> bytes:
    """The .tflite file ``content`` with weights, biases and, if ``scales``, scales and zero points changed.

    Only for networks of weighted operators, average pools and reshapes, with a softmax at the end at most.
    Scales change by a factor of ``1 - change`` to ``1 + change``, weights by as much of their range.
    """
    data, random = bytearray(content), np.random.default_rng(seed)
    model = tflite.Model.GetRootAs(data, 0)
    graph = model.Subgraphs(0)
    operators = [graph.Operators(number) for number in range(graph.OperatorsLength())]
    for operator in operators:
        code = model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()
        if code in KEEPS_SCALE:
            source, target = (graph.Tensors(each) for each in (operator.Inputs(0), operator.Outputs(0)))
            _scale(target)[:], _zero_point(target)[:] = _scale(source), _zero_point(source)
        if code not in WEIGHTED:
            continue
        inputs, (weights, bias) = operator.InputsAsNumpy(), map(graph.Tensors, operator.InputsAsNumpy()[1:3])
        values = _values(model, weights, np.int8)
        noise = random.integers(-int(127 * change), int(127 * change) + 1, values.shape)
        values[:] = np.clip(values + noise, -127, 127)
        biases = _values(model, bias, np.int32)
        biases[:] = (biases * random.uniform(1 - change, 1 + change, biases.shape)).astype(np.int32)
        if scales:
            output = graph.Tensors(operator.Outputs(0))
            for tensor in (weights, output):
                _scale(tensor)[:] *= random.uniform(1 - change, 1 + change, len(_scale(tensor)))
            _scale(bias)[:] = _scale(graph.Tensors(inputs[0])) * _scale(weights)
    return bytes(data)


def _values(model: Any, tensor: Any, dtype: type[np.generic]) -> Any:
    return model.Buffers(tensor.Buffer()).DataAsNumpy().view(dtype)


def _scale(tensor: Any) -> Any:
    return tensor.Quantization().ScaleAsNumpy()


def _zero_point(tensor: Any) -> Any:
    return tensor.Quantization().ZeroPointAsNumpy()

"""From Graph to Network, and the integer references of both.

The passes, in order (`LEGAL`), each with a check after it:

1. static shapes: the batch is 1, so what computes shapes becomes constants, and shapes are inferred;
2. edges: the conversion of float32 and uint8 inputs and outputs goes to the host;
3. fuse pads: a PAD goes into the padding of the convolution that reads it;
4. fuse activations: a standalone RELU goes into the clamp of the operator before it;
5. legalise: every operator passes its constraints, or the model is refused;
6. integer only (`integer_only`): operators become primitives, zero points go into the biases.
"""

from tfl2hw.passes.evaluate import evaluate
from tfl2hw.passes.evaluate_network import evaluate_network
from tfl2hw.passes.pipeline import LEGAL, conversions, legal, lower, settled
from tfl2hw.passes.review import objections, review

__all__ = [
    "LEGAL",
    "conversions",
    "evaluate",
    "evaluate_network",
    "legal",
    "lower",
    "objections",
    "review",
    "settled",
]

"""From Graph to Network, and the integer references of both.

The passes, in order (`LEGAL`), each with a check after it:

1. fuse pads: a PAD goes into the padding of the convolution that reads it;
2. fuse activations: a standalone RELU goes into the clamp of the operator before it;
3. legalise: every operator passes its constraints, or the model is refused;
4. integer only (`integer_only`): operators become primitives, zero points go into the biases.
"""

from tfl2hw.passes.evaluate import evaluate
from tfl2hw.passes.evaluate_network import evaluate_network
from tfl2hw.passes.pipeline import LEGAL, legal, lower
from tfl2hw.passes.review import review

__all__ = ["LEGAL", "evaluate", "evaluate_network", "legal", "lower", "review"]

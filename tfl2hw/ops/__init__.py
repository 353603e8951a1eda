"""The operators: what is accepted of each, its exact integer reference and its lowering."""

from tfl2hw.ops.node import NUMERICS, Kind, Node, Numerics
from tfl2hw.ops.registry import find, known, operators
from tfl2hw.ops.review import Verdict, review, supported
from tfl2hw.ops.table import OPERATORS

__all__ = [
    "NUMERICS",
    "OPERATORS",
    "Kind",
    "Node",
    "Numerics",
    "Verdict",
    "find",
    "known",
    "operators",
    "review",
    "supported",
]

"""What a package that extends tfl2hw is written with: stable within one ``API``.

docs/extending has a reader through each sort of extension. Tests of one find what they need in
``tfl2hw.extending.checks``.
"""

from tfl2hw.errors import Tfl2hwError
from tfl2hw.extending.functions import applied
from tfl2hw.extensions import API, GROUP, Extension
from tfl2hw.ir.graph import Graph, Operator, Quantisation, Tensor
from tfl2hw.ir.primitives import (
    Apply,
    Axis,
    Convolution,
    Copy,
    Depthwise,
    Extremum,
    Lookup,
    MapShape,
    MatMul,
    Primitive,
    Product,
    Reshape,
    TableSum,
)
from tfl2hw.ops import constraints, options
from tfl2hw.ops.arithmetic import multiply_double_rounding, quantize_multiplier
from tfl2hw.ops.elementwise import elementwise_kind, lowering
from tfl2hw.ops.node import (
    Constraint,
    Kind,
    Node,
    Numerics,
    called,
    constant,
    int8,
    quantisation,
)
from tfl2hw.ops.rescale import FixedPointRescale, IdentityRescale, fixed_point
from tfl2hw.ops.shapes import map_shape
from tfl2hw.ops.table_operator import every_byte, nothing_parsed, table_kind, table_sum
from tfl2hw.ops.temporaries import Temporaries
from tfl2hw.rtl_templates.delay import delayed
from tfl2hw.rtl_templates.parts import Multiplier, VectorFunction

__all__ = [
    "API",
    "GROUP",
    "Apply",
    "Axis",
    "Constraint",
    "Convolution",
    "Copy",
    "Depthwise",
    "Extension",
    "Extremum",
    "FixedPointRescale",
    "Graph",
    "IdentityRescale",
    "Kind",
    "Lookup",
    "MapShape",
    "MatMul",
    "Multiplier",
    "Node",
    "Numerics",
    "Operator",
    "Primitive",
    "Product",
    "Quantisation",
    "Reshape",
    "TableSum",
    "Temporaries",
    "Tensor",
    "Tfl2hwError",
    "VectorFunction",
    "applied",
    "called",
    "constant",
    "constraints",
    "delayed",
    "elementwise_kind",
    "every_byte",
    "fixed_point",
    "int8",
    "lowering",
    "map_shape",
    "multiply_double_rounding",
    "nothing_parsed",
    "options",
    "quantisation",
    "quantize_multiplier",
    "table_kind",
    "table_sum",
]

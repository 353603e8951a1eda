"""tfl2hw: an int8 ``.tflite`` network in, exact bytes and an FPGA bitstream out.

``tfl2hw.open(port, directory)`` opens a board and asks it (see ``tfl2hw.api``).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfl2hw.api import Accelerator, Benchmark, Inference, open

__version__ = "0.1.0"

__all__ = ["Accelerator", "Benchmark", "Inference", "__version__", "open"]


def __getattr__(name: str) -> Any:
    """The API, imported when it is first used: the command line starts without it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("tfl2hw.api"), name)

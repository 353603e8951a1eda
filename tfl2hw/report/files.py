"""Writes the report into the folder of a build, and remembers there what earlier commands have found."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tfl2hw.codegen import Compiled
from tfl2hw.codegen.witness import contents_hash

from .built import Built, Step
from .considered import Considered, Search
from .exactness import Simulated, TensorCheck, Verified
from .report import Report, report_of

DATA, PAGE = "report.json", "report.html"


@dataclass(frozen=True, kw_only=True)
class Found:
    """What commands have found about a design; compiled again from a build's folder, it has lost its
    ``model``'s name and the ``search`` for its shape.
    """

    model: str | None = None
    search: Search | None = None
    built: Built | None = None
    simulated: Simulated | None = None
    verified: tuple[Verified, ...] = ()


def write_report(
    compiled: Compiled,
    directory: Path,
    *,
    built: Built | None = None,
    simulated: Simulated | None = None,
    verified: tuple[Verified, ...] = (),
    building: bool = False,
) -> tuple[Report, list[Path]]:
    """Write report.json and report.html into ``directory``; the report, and the files.

    What is not given is taken from the report.json that is there, if that is of the same design. ``building``
    says that a build begins: what is known of the one before is forgotten.
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # that it lists the fonts, once, is no news
    from .page import page

    directory.mkdir(parents=True, exist_ok=True)
    before = found_in(directory / DATA, compiled)
    if building:
        before = replace(before, built=None, verified=())
    report = report_of(
        compiled,
        model=before.model if compiled.file.parent == directory else None,
        search=before.search,
        built=built or before.built,
        simulated=simulated or before.simulated,
        verified=verified or before.verified,
    )
    texts = {DATA: json.dumps(report.as_json(), indent=2) + "\n", PAGE: page(report)}
    for name, text in texts.items():
        (directory / name).write_text(text, encoding="utf-8")
    return report, [directory / name for name in texts]


def found_in(file: Path, compiled: Compiled) -> Found:
    """What ``file``, a report.json, holds of this very design; nothing of another one, or of a file that is
    not ours.
    """
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
        design = facts["identity"], facts["contents"], facts["board"], facts["numerics"]
        if design != _design(compiled):
            return Found()
        return Found(
            model=facts["model"],
            search=_search(facts["search"]),
            built=_built(facts["built"]),
            simulated=_simulated(facts["simulated"]),
            verified=tuple(Verified(**stage) for stage in facts["verified"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Found()


def _design(compiled: Compiled) -> tuple[str, str, str, str]:
    """What tells designs apart: the core, what its memories hold, the board, the arithmetic."""
    contents = contents_hash(compiled.image).hex()
    return compiled.config.identity, contents, compiled.board.name, compiled.network.numerics


def _search(facts: Mapping[str, Any] | None) -> Search | None:
    if facts is None:
        return None
    return Search(shapes=facts["shapes"], arrays=tuple(Considered(**each) for each in facts["arrays"]))


def _built(facts: Mapping[str, Any] | None) -> Built | None:
    if facts is None:
        return None
    resources = {name: (used, available) for name, (used, available) in facts["resources"].items()}
    path = tuple(Step(**step) for step in facts["path"])
    return Built(**{**facts, "resources": resources, "path": path})


def _simulated(facts: Mapping[str, Any] | None) -> Simulated | None:
    if facts is None:
        return None
    tensors = tuple(TensorCheck(**{**each, "shape": tuple(each["shape"])}) for each in facts["tensors"])
    return Simulated(**{**facts, "tensors": tensors})

"""What other installed packages bring, found by their entry points; ours is described in the same way.

A package names an ``Extension`` in the group ``tfl2hw.extensions``. It is imported only when something is
wanted that tfl2hw does not have itself, or when everything is listed: a broken one hinders nobody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from tfl2hw.errors import ExtensionError

if TYPE_CHECKING:
    from tfl2hw.ops.node import Kind
    from tfl2hw.rtl_templates.parts import Multiplier, VectorFunction

GROUP = "tfl2hw.extensions"
"""The group of entry points that name extensions."""

API = 1
"""What an extension is described with. It goes up when what is written for the number before may break."""

OURS = "tfl2hw"
"""The package of whatever tfl2hw brings itself."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Extension:
    """All that one package adds.

    Parameters
    ----------
    api : the number of the API that it is written for, as a number (not ``API``, which goes with tfl2hw).
    operators : kinds of operators, by TFLite's builtin names, or "CUSTOM name".
    functions : units of the vector unit, for operators that lower to ``Apply``.
    multipliers : for ``--multiplier``; each has to be exact.
    """

    api: int
    operators: tuple[Kind, ...] = ()
    functions: tuple[VectorFunction, ...] = ()
    multipliers: tuple[Multiplier, ...] = ()


class Named(Protocol):
    """Anything that a registry holds."""

    @property
    def name(self) -> str:
        """By which it is asked for."""


T = TypeVar("T", bound=Named)


@dataclass(frozen=True, kw_only=True)
class Provided(Generic[T]):
    """Something, and the package that brings it, with its version ("tfl2hw" for ours)."""

    value: T
    package: str


def provided(
    what: str, of: type[T], ours: Iterable[T], brings: Callable[[Extension], Iterable[T]]
) -> dict[str, Provided[T]]:
    """Everything of one sort by its name: ours, then what extensions bring, by package.

    Parameters
    ----------
    what : how messages call it. of : its class. ours : tfl2hw's own.
    brings : those of an extension.

    Raises
    ------
    ExtensionError : an extension is broken, or brings something else, or a name that is taken.
    """
    known = {each.name: Provided(value=each, package=OURS) for each in ours}
    for package, extension in installed():
        for value in brings(extension):
            if not isinstance(value, of):
                raise ExtensionError(
                    f"the package {package} brings {type(value).__name__} as {what}, not "
                    f"{of.__module__}.{of.__name__}: {_way_out(package)}"
                )
            if value.name in known:
                raise ExtensionError(
                    f"the package {package} brings the {what} {value.name}, which "
                    f"{known[value.name].package} has already: {_way_out(package)}"
                )
            known[value.name] = Provided(value=value, package=package)
    return known


@cache
def installed() -> tuple[tuple[str, Extension], ...]:
    """The packages that are there, with their versions, and their extensions.

    Raises
    ------
    ExtensionError : one cannot be imported, is none, or is written for another API.
    """
    found = sorted((_package(entry), entry.name, entry) for entry in entry_points(group=GROUP))
    return tuple((package, _load(package, entry)) for package, _, entry in found)


def brought_by(modules: Iterable[str]) -> str | None:
    """The package to whose extension the last of ``modules`` belongs that is of any; nothing is imported."""
    packages = {_top(entry.value): _package(entry) for entry in entry_points(group=GROUP)}
    found = [packages[top] for top in map(_top, modules) if top in packages]
    return found[-1] if found else None


def _top(name: str) -> str:
    """The first part of the name of a module, or of something in it."""
    return name.split(":")[0].split(".")[0]


def _load(package: str, entry: EntryPoint) -> Extension:
    where, way_out = f"the package {package} has an extension, {entry.value}, that", _way_out(package)
    try:
        found = entry.load()
    except Exception as problem:
        why = f"{type(problem).__name__}: {problem}"
        raise ExtensionError(f"{where} cannot be loaded ({why}): {way_out}") from problem
    if not isinstance(found, Extension):
        raise ExtensionError(f"{where} is {type(found).__name__}, not tfl2hw.extending.Extension: {way_out}")
    if found.api != API:
        raise ExtensionError(f"{where} is written for the API {found.api}; this tfl2hw has {API}: {way_out}")
    return found


def _package(entry: EntryPoint) -> str:
    return entry.value if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"


def _way_out(package: str) -> str:
    name = package.split(" ")[0]
    return f"install a version of {name} that suits, or pip uninstall {name}"

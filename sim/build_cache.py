"""A folder of finished builds, each under the hash of everything that it was made from."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tfl2hw.errors import ToolError


def cache_folder() -> Path:
    """Where builds are kept: TFL2HW_CACHE, else tfl2hw in XDG_CACHE_HOME or ~/.cache."""
    named = os.environ.get("TFL2HW_CACHE")
    if named:
        return Path(named).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "tfl2hw"


def content_key(*parts: str) -> str:
    """A name for the build made from ``parts``, which hold sources, flags and versions of tools."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(f"{len(encoded)}:".encode())
        digest.update(encoded)
    return digest.hexdigest()[:32]


def find(kind: str, key: str) -> Path | None:
    """The folder of build ``key``, if there is one."""
    folder = cache_folder() / kind / key
    return folder if folder.is_dir() else None


def cached(kind: str, key: str, make: Callable[[Path], None]) -> Path:
    """The folder of build ``key``; ``make`` fills a new one if there is none.

    A build appears whole or not at all: it is made in a folder of its own and renamed. Of several
    processes that want the same build one makes it and the others wait. What a failed build left behind
    is removed, ``make``'s exception goes on.

    Raises
    ------
    ToolError : the cache cannot be written.
    """
    folder = cache_folder() / kind
    final = folder / key
    if final.is_dir():
        return final
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ToolError(
            f"the cache folder {folder} cannot be made ({error}); TFL2HW_CACHE names another"
        ) from error
    with _locked(folder / f"{key}.lock"):
        if final.is_dir():
            return final
        fresh = Path(tempfile.mkdtemp(prefix=f"{key}.", dir=folder))
        try:
            make(fresh)
            fresh.rename(final)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return final


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    try:
        lock = path.open("w")
    except OSError as error:
        raise ToolError(
            f"the cache folder {path.parent} cannot be written ({error}); TFL2HW_CACHE names another"
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

"""The cache of builds: whole or not at all, also under several processes."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import pytest

from tfl2hw.errors import ToolError
from tfl2hw.sim import build_cache


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TFL2HW_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Path) -> None:
    assert build_cache.cache_folder() == folder
    monkeypatch.delenv("TFL2HW_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert build_cache.cache_folder() == tmp_path / "xdg" / "tfl2hw"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert build_cache.cache_folder() == tmp_path / "home" / ".cache" / "tfl2hw"


def test_keys_tell_parts_apart() -> None:
    assert build_cache.content_key("a", "b") == build_cache.content_key("a", "b")
    keys = {
        build_cache.content_key(*parts) for parts in [("a", "b"), ("ab",), ("ab", ""), ("", "ab"), ("b", "a")]
    }
    assert len(keys) == 5


def test_made_once() -> None:
    made = []

    def make(fresh: Path) -> None:
        made.append(fresh)
        (fresh / "file").write_text("x")

    first = build_cache.cached("kind", "key", make)
    assert build_cache.cached("kind", "key", make) == first
    assert len(made) == 1
    assert (first / "file").read_text() == "x"
    assert build_cache.find("kind", "key") == first
    assert build_cache.find("kind", "other") is None


def test_a_failure_leaves_nothing() -> None:
    def make(fresh: Path) -> None:
        (fresh / "half").write_text("x")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        build_cache.cached("kind", "key", make)
    assert build_cache.find("kind", "key") is None
    assert [path for path in (build_cache.cache_folder() / "kind").iterdir() if path.is_dir()] == []


def _slowly(fresh: Path) -> None:
    with (fresh.parent / "count").open("a") as count:
        count.write("1")
    time.sleep(0.3)
    (fresh / "file").write_text("whole")


def _contend(results: multiprocessing.Queue[str]) -> None:
    results.put((build_cache.cached("kind", "key", _slowly) / "file").read_text())


def test_several_processes_share_one_build(folder: Path) -> None:
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    processes = [context.Process(target=_contend, args=(results,)) for _ in range(4)]
    for process in processes:
        process.start()
    assert [results.get(timeout=20) for _ in processes] == ["whole"] * 4
    for process in processes:
        process.join()
    assert (folder / "kind" / "count").read_text() == "1"


def test_a_cache_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TFL2HW_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(ToolError, match=r"the cache folder .* cannot be made .*; TFL2HW_CACHE names another"):
        build_cache.cached("kind", "key", lambda _: None)

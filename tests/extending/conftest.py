"""Extensions that are there for the time of a test, without being installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tfl2hw import extensions
from tfl2hw.codegen import multipliers
from tfl2hw.ops import registry
from tfl2hw.schedule import functions

EXAMPLES = Path(__file__).parents[2] / "examples" / "extensions"
Install = Callable[..., None]


def entry(value: str, load: Callable[[], Any], package: str = "stranger", version: str = "2.0") -> Any:
    """An entry point as ``importlib.metadata`` gives it."""
    return SimpleNamespace(
        name="it", value=value, load=load, dist=SimpleNamespace(name=package, version=version)
    )


def forget() -> None:
    """Look at the installed packages again."""
    extensions.installed.cache_clear()
    registry.operators.cache_clear()
    multipliers.multipliers.cache_clear()
    functions.functions.cache_clear()


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Makes some entry points the only ones."""

    def these(*entries: Any) -> None:
        monkeypatch.setattr(
            extensions, "entry_points", lambda group: list(entries) if group == extensions.GROUP else []
        )
        forget()

    yield these
    forget()


@pytest.fixture
def example(install: Install, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Makes an extension of examples/extensions the only one; the path of its model."""

    def named(name: str) -> Path:
        monkeypatch.syspath_prepend(str(EXAMPLES / name))
        module = f"tfl2hw_{name}"
        load = lambda: import_module(module).EXTENSION  # noqa: E731
        install(entry(f"{module}:EXTENSION", load, module.replace("_", "-"), "0.1.0"))
        return EXAMPLES / name / "tests" / f"{name}.tflite"

    return named

"""What other packages bring: found, listed, and refused in a sentence where it is broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from examples.extensions.make_models import MODELS, path
from tests.build_model import ModelBuilder
from tests.extending.conftest import Install, entry
from tfl2hw.cli.failure import as_known
from tfl2hw.cli.main import main
from tfl2hw.errors import ExtensionError, ModelError
from tfl2hw.extending import Extension, Kind, table_kind
from tfl2hw.extending.checks import check_references
from tfl2hw.frontend import load
from tfl2hw.ops import OPERATORS, find, known, operators, review
from tfl2hw.passes import evaluate, lower
from tfl2hw.sim.oracle import interpret


def kind(name: str) -> Kind:
    """An operator that negates each byte but -128."""
    return table_kind(name, lambda node, numerics: np.maximum(-np.arange(-128, 128), -127).clip(-127, 127))


def fails(error: Exception) -> Callable[[], Any]:
    def load_it() -> Any:
        raise error

    return load_it


BROKEN = [
    (
        entry("stranger.ext:EXT", fails(ImportError("No module named 'left'"))),
        r"^the package stranger 2\.0 .* cannot be loaded \(ImportError: No .*\): install a version of str",
    ),
    (
        entry("stranger:KIND", lambda: kind("CUSTOM Negate")),
        "the package stranger 2.0 .* stranger:KIND, that is Kind, not tfl2hw.extending.Extension",
    ),
    (
        entry("stranger:EXT", lambda: Extension(api=2)),
        "the package stranger 2.0 .* is written for the API 2; this tfl2hw has 1: install a version",
    ),
    (
        entry("stranger:EXT", lambda: Extension(api=1, operators=(kind("ADD"),))),
        "the package stranger 2.0 brings the operator ADD, which tfl2hw has already",
    ),
    (
        entry("stranger:EXT", lambda: Extension(api=1, operators=("ADD",))),  # type: ignore[arg-type]
        "the package stranger 2.0 brings str as operator, not tfl2hw.ops.node.Kind",
    ),
    (
        entry("stranger:EXT", lambda: Extension(api=1, operators=(kind("NEGATE"),))),
        "the package stranger 2.0 brings an operator 'NEGATE', which no file can have; accepted: the name of",
    ),
]


@pytest.mark.parametrize(("found", "words"), BROKEN)
def test_a_broken_extension_is_refused_in_a_sentence(install: Install, found: Any, words: str) -> None:
    install(found)
    with pytest.raises(ExtensionError, match=words) as refusal:
        operators()
    assert "\n" not in str(refusal.value)


def test_a_broken_extension_hinders_nobody_who_does_not_ask(install: Install) -> None:
    install(BROKEN[0][0])
    assert find("ADD") is OPERATORS["ADD"]
    with pytest.raises(ExtensionError, match="stranger"):
        find("FLOOR_MOD")


def test_two_packages_with_one_operator(install: Install) -> None:
    brings = Extension(api=1, operators=(kind("CUSTOM Negate"),))
    install(entry("b:EXT", lambda: brings, "b"), entry("a:EXT", lambda: brings, "a"))
    with pytest.raises(ExtensionError, match=r"package b 2\.0 brings .* Negate, which a 2\.0 has already"):
        operators()


def test_operators_are_listed_with_their_package(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install(entry("stranger:EXT", lambda: Extension(api=1, operators=(kind("CUSTOM Negate"),))))
    with pytest.raises(SystemExit):
        main(["ops", "--json"])
    listed = {each["name"]: each["package"] for each in json.loads(capsys.readouterr().out)["operators"]}
    assert list(listed) == [*OPERATORS, "CUSTOM Negate"]
    assert (listed["ADD"], listed["CUSTOM Negate"]) == ("tfl2hw", "stranger 2.0")
    with pytest.raises(SystemExit):
        main(["ops"])
    assert "of stranger 2.0" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["ops", "--markdown"])
    assert "Negate" not in capsys.readouterr().out


def negated(tmp_path: Path) -> Path:
    model = ModelBuilder()
    ifm, ofm = (model.tensor((1, 8), scale=0.1) for _ in range(2))
    model.operator("CUSTOM:Negate", [ifm], [ofm])
    (tmp_path / "model.tflite").write_bytes(model.finish([ifm], [ofm]))
    return tmp_path / "model.tflite"


def test_a_custom_operator(install: Install, tmp_path: Path) -> None:
    file = negated(tmp_path)
    install()
    with pytest.raises(ModelError, match="the operator is not supported"):
        lower(load(file), "litert-ref")
    parsed: list[bytes] = []
    mine = replace(kind("CUSTOM Negate"), parse=lambda raw: {"raw": parsed.append(raw)})
    install(entry("stranger:EXT", lambda: Extension(api=1, operators=(mine,))))
    values = np.arange(-4, 4).astype(np.int8).reshape(1, 8)
    assert known("CUSTOM Negate") is mine
    np.testing.assert_array_equal(evaluate(load(file), "litert-ref", [values])[1], -values)
    (expected,) = interpret(file, [[values]], "litert-ref")  # no interpreter has it: by its reference
    np.testing.assert_array_equal(expected[1], -values)
    assert set(parsed) == {b""}


def test_a_fault_in_an_extension_names_its_package(install: Install) -> None:
    install(entry(f"{__name__.split('.')[0]}.it:EXT", lambda: None))
    try:
        raise ZeroDivisionError("it divides")
    except ZeroDivisionError as error:
        sentence = str(as_known(error))
    assert "a fault in the extension of the package stranger 2.0: ZeroDivisionError in test_ext" in sentence


@pytest.mark.parametrize("name", MODELS)
def test_the_examples_models_are_what_is_committed(name: str) -> None:
    assert path(name).read_bytes() == MODELS[name](), "run examples/extensions/make_models.py"


def test_the_example_of_an_operator(example: Callable[[str], Path], install: Install) -> None:
    file = example("floor_mod")
    every_byte = np.arange(-128, 128).astype(np.int8).reshape(1, 8, 8, 4)
    check_references(file, [[every_byte]])
    install()
    assert not review(load(file))[0].accepted

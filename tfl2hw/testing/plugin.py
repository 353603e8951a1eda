"""The pytest plugin: `pytest --tfl2hw MODEL --board BOARD`, and the fixture ``tfl2hw_model``.

It is loaded by every pytest beside which tfl2hw is installed, so nothing of the compiler is imported before a
test asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tfl2hw.testing.hardware import HardwareModel, Wanted

MARKER = (
    "tfl2hw(model, board=BOARD, inputs=(), max_cycles=None, numerics='litert-ref', lanes=None, "
    "columns=None): the model that the fixture tfl2hw_model compiles and simulates; relative paths begin at "
    "the test's file."
)

_BOARD = re.compile(r"^--board(?=$|=)")

MODELS = pytest.StashKey[dict["Wanted", "HardwareModel"]]()
"""What was compiled and simulated in this session: each model once, whoever asks."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, all of which stand idle without ``--tfl2hw``."""
    group = parser.getgroup("tfl2hw", "models in hardware (tfl2hw)")
    group.addoption(
        "--tfl2hw",
        action="append",
        default=[],
        metavar="MODEL",
        help="Test this .tflite on each --board: fit, cycles, every tensor bit-exact. May be repeated.",
    )
    group.addoption(
        "--tfl2hw-board",
        action="append",
        default=[],
        metavar="BOARD",
        help="A board of --tfl2hw (`tfl2hw boards` lists them). May be repeated; beside --tfl2hw it may be "
        "written --board.",
    )
    group.addoption(
        "--tfl2hw-inputs",
        action="append",
        default=[],
        metavar="DIR",
        help="Inputs of --tfl2hw: a folder or a file. May be repeated. Without it: one random input.",
    )
    group.addoption(
        "--tfl2hw-max-cycles",
        type=int,
        metavar="N",
        help="The most cycles that an inference of --tfl2hw may take.",
    )
    group.addoption(
        "--tfl2hw-numerics",
        choices=("litert-ref", "tflm"),
        default="litert-ref",
        help="The arithmetic that --tfl2hw is to be exact to.",
    )


def pytest_load_initial_conftests(args: list[str]) -> None:
    """Beside ``--tfl2hw``, ``--board`` is ours. It is no option of its own: other plugins have one."""
    given = {word.partition("=")[0] for word in args}
    if "--tfl2hw" in given and "--tfl2hw-board" not in given:
        args[:] = [_BOARD.sub("--tfl2hw-board", word) for word in args]


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known; refuse options that cannot be meant."""
    config.addinivalue_line("markers", MARKER)
    models, boards = config.getoption("--tfl2hw"), config.getoption("--tfl2hw-board")
    if models and not boards:
        raise pytest.UsageError("--tfl2hw takes a --board: `tfl2hw boards` lists their names")
    if boards and not models:
        raise pytest.UsageError("--tfl2hw-board takes a --tfl2hw MODEL: the .tflite to test on it")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Add what ``--tfl2hw`` asks for behind what was collected."""
    if session.config.getoption("--tfl2hw"):
        from tfl2hw.testing.items import collected

        for wanted in _from_options(session.config):
            items += collected(session, wanted)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that wants ``tfl2hw_model`` and has no marker runs for each model and board of the options."""
    if "tfl2hw_model" not in metafunc.fixturenames or metafunc.definition.get_closest_marker("tfl2hw"):
        return
    if metafunc.config.getoption("--tfl2hw"):
        chosen = _from_options(metafunc.config)
        names = [f"{wanted.model.name}-{wanted.board}" for wanted in chosen]
        metafunc.parametrize("tfl2hw_model", chosen, ids=names, indirect=True)


@pytest.fixture
def tfl2hw_model(request: pytest.FixtureRequest) -> Iterator[HardwareModel]:
    """The test's model on its board (``tfl2hw.testing.hardware.HardwareModel``).

    Which one, its marker ``tfl2hw`` says, or the options `--tfl2hw` and `--board`.
    """
    marker = request.node.get_closest_marker("tfl2hw")
    if marker is not None:
        wanted = _from_marker(marker, request.path.parent)
    elif hasattr(request, "param"):
        wanted = request.param
    else:
        pytest.fail(
            "tfl2hw_model needs @pytest.mark.tfl2hw(MODEL, board=BOARD), or "
            "pytest --tfl2hw MODEL --board BOARD",
            pytrace=False,
        )
    model = model_for(request.config, wanted)
    yield model
    request.node.user_properties += model.properties().items()


def model_for(config: pytest.Config, wanted: Wanted) -> HardwareModel:
    """The session's one model for ``wanted``."""
    from tfl2hw.testing.hardware import HardwareModel

    models = config.stash.setdefault(MODELS, {})
    return models.setdefault(wanted, HardwareModel(wanted))


def _from_options(config: pytest.Config) -> list[Wanted]:
    """Each model of `--tfl2hw` on each `--board`; relative paths begin where pytest was called."""
    from tfl2hw.testing.hardware import Wanted

    here = config.invocation_params.dir
    return [
        Wanted(
            model=here / model,
            board=board,
            inputs=tuple(here / place for place in config.getoption("--tfl2hw-inputs")),
            numerics=config.getoption("--tfl2hw-numerics"),
            max_cycles=config.getoption("--tfl2hw-max-cycles"),
        )
        for model in config.getoption("--tfl2hw")
        for board in config.getoption("--tfl2hw-board")
    ]


def _from_marker(marker: pytest.Mark, folder: Path) -> Wanted:
    """What the marker asks for; its relative paths begin at ``folder``."""
    from tfl2hw.testing.hardware import Wanted

    chosen = dict(zip(("model", "board"), marker.args, strict=False)) | marker.kwargs
    places = chosen.pop("inputs", ())
    places = [places] if isinstance(places, str | Path) else places
    if "model" not in chosen or "board" not in chosen:
        pytest.fail(f"a marker tfl2hw takes a model and a board: {MARKER}", pytrace=False)
    chosen["model"] = folder / chosen["model"]
    try:
        return Wanted(**chosen, inputs=tuple(folder / place for place in places))
    except TypeError as problem:
        pytest.fail(f"a marker tfl2hw: {problem}; {MARKER}", pytrace=False)

"""The prebuilt core's Verilog: made once for a configuration, anew for another."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rtl.support import make_config
from tfl2hw.rtl_templates.core import Core
from tfl2hw.sim import prebuilt

pytestmark = pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")


@pytest.fixture(autouse=True)
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The top modules made, of an empty cache."""
    names: list[str] = []

    def to_verilog(core: Core, name: str) -> str:
        names.append(name)
        return f"module {name}; endmodule"

    monkeypatch.setenv("TFL2HW_CACHE", str(tmp_path))
    monkeypatch.setattr(prebuilt, "to_verilog", to_verilog)
    return names


def test_made_once(made: list[str]) -> None:
    config = make_config((8, 4, 2))
    texts = {prebuilt.prebuilt_verilog(config, "core") for _ in range(3)}
    assert (texts, made) == ({"module core; endmodule"}, ["core"])


def test_made_anew_for_another_core(made: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of another shape or name, and whenever the generator's sources are others."""
    prebuilt.prebuilt_verilog(make_config((8, 4, 2)), "core")
    prebuilt.prebuilt_verilog(make_config((8, 4, 1)), "core")
    prebuilt.prebuilt_verilog(make_config((8, 4, 2)), "other")
    assert made == ["core", "core", "other"]
    sources = prebuilt._sources()
    assert any("class Core(" in text for text in sources)
    assert any("def to_verilog" in text for text in sources)
    monkeypatch.setattr(prebuilt, "_sources", lambda: [*sources[1:], sources[0] + "\n"])
    prebuilt.prebuilt_verilog(make_config((8, 4, 2)), "core")
    assert len(made) == 4

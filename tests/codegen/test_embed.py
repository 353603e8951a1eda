"""Cores for other designs: their ports, and what is told of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.small_models import SmallModel
from tfl2hw.codegen import Compiled, compile_model, embed
from tfl2hw.rtl_templates.image import Image

pytestmark = pytest.mark.filterwarnings("ignore:.*created but never used")

DIGITS = Path(__file__).parents[2] / "examples" / "digits" / "digits_int8.tflite"


@pytest.fixture(scope="module")
def up5k(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """Two inputs and two outputs."""
    model = SmallModel(11)
    first, second = model.input((1, 3, 4, 3)), model.input((1, 10))
    model.sink(model.conv(first, 5, (3, 3)))
    model.sink(model.dense(second, 6))
    file = model.write(tmp_path_factory.mktemp("small"), "2-in 2.out")
    return compile_model(file, "icebreaker", lanes=4, columns=2, strips=False)


@pytest.mark.parametrize("kind", embed.KINDS)
def test_every_port_has_a_meaning(kind: str, up5k: Compiled) -> None:
    ports = {port.name: port for port in embed.ports(embed.make(up5k, kind, up5k.config))}
    assert all(port.meaning for port in ports.values())
    assert (ports["clk"].direction, ports["rst"].width) == ("input", 1)
    widths = {"core": ("bus_address", 24), "axi_stream": ("s_axis_tdata", 8), "wishbone": ("wb_dat_w", 32)}
    name, width = widths[kind]
    assert ports[name].width == width


def test_weights_have_a_stream_only_where_they_have_to_be_loaded(up5k: Compiled) -> None:
    ecp5 = compile_model(DIGITS, "ulx3s-25f", lanes=4, columns=4, strips=False)
    for compiled, loads in ((up5k, True), (ecp5, False)):
        names = {port.name for port in embed.ports(embed.make(compiled, "axi_stream", compiled.config))}
        assert ("s_weights_tdata" in names) == loads
        assert bool(embed.weights_of(compiled)) == loads


def test_names_are_verilog_names(up5k: Compiled) -> None:
    assert embed.module_names(up5k) == {
        "core": "m2_in_2_out_core",
        "axi_stream": "m2_in_2_out_axi_stream",
        "wishbone": "m2_in_2_out_wishbone",
    }


def test_weights_that_are_neighbours_are_one_piece(up5k: Compiled) -> None:
    image: Image = replace(up5k.image, scratchpad=((400, b"cc"), (0, b"aaaa"), (8, b"bb")))
    compiled = replace(up5k, image=image)
    assert embed.weights_of(compiled) == b"aaaa\0\0\0\0bbcc"
    assert embed.tensors_of(compiled).weights == ((0, 10), (400, 2))


def test_files_and_facts(up5k: Compiled, tmp_path: Path) -> None:
    files = embed.write_core(up5k, tmp_path)
    assert sorted(file.name for file in files) == sorted(file.name for file in tmp_path.iterdir())
    facts = json.loads((tmp_path / embed.FACTS).read_text())
    assert [each["bytes"] for each in facts["inputs"]] == [36, 10]
    assert [each["bytes"] for each in facts["outputs"]] == [60, 6]
    assert [each["dtype"] for each in facts["outputs"]] == ["int8", "int8"]
    assert (facts["input_bytes"], facts["output_bytes"]) == (46, 66)
    assert facts["weight_bytes"] == len((tmp_path / embed.WEIGHTS).read_bytes())
    assert facts["wishbone"]["window_bytes"] >= facts["weight_bytes"]
    assert facts["cycles"] == up5k.predicted_cycles
    page = (tmp_path / embed.PORTS).read_text()
    for kind, name in facts["modules"].items():
        text = (tmp_path / f"{name}.v").read_text()
        header = next(line for line in text.splitlines() if line.startswith(f"module {name}("))
        wanted = {port.name for port in embed.ports(embed.make(up5k, kind, up5k.config))}
        assert set(header[len(f"module {name}(") : -2].split(", ")) <= wanted
        assert f"## `{name}`" in page
        modules = [line.split()[1] for line in text.splitlines() if line.startswith("module ")]
        assert all(module.lstrip("\\").startswith(name) for module in modules), "two files share a module"


def test_the_weights_of_an_earlier_model_go(up5k: Compiled, tmp_path: Path) -> None:
    (tmp_path / embed.WEIGHTS).write_bytes(b"old")
    ecp5 = compile_model(DIGITS, "ulx3s-25f", lanes=4, columns=2, strips=False)
    embed.write_core(ecp5, tmp_path, generic=True)
    assert not (tmp_path / embed.WEIGHTS).exists()
    assert not any("MULT18X18D" in file.read_text() for file in tmp_path.glob("*.v"))

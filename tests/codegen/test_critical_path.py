"""nextpnr's report of the slowest path, by units."""

from __future__ import annotations

from typing import Any

import pytest

from tfl2hw.codegen.critical_path import CriticalPath, Stretch, critical_path, unit_of

X = "top.core.byte_units.softmax.x$41_SB_DFFESR_Q_30_D_SB_LUT4_O_LC"
SUM = "top.core.byte_units.softmax.sum_SB_DFFESR_Q_{}_D_SB_LUT4_O_LC"


def hop(kind: str, delay: float, start: str, end: str, port: str = "I0") -> dict[str, Any]:
    return {
        "type": kind,
        "delay": delay,
        "from": {"cell": start, "port": "O"},
        "to": {"cell": end, "port": port},
    }


def test_cells_of_one_signal_are_one_stretch() -> None:
    first, second = SUM.format(1), SUM.format(2)
    hops = [
        hop("clk-to-q", 1.0, X, X),
        hop("routing", 3.0, X, first),
        hop("logic", 0.5, first, first, "COUT"),
        hop("routing", 0.0, first, second, "CIN"),
        hop("logic", 0.25, second, second, "O"),
        hop("setup", 0.25, second, second),
    ]
    slow = {"from": "posedge clk", "to": "posedge clk", "path": hops}
    fast = {**slow, "path": hops[:1]}
    pads = {"from": "<async>", "to": "posedge clk", "path": hops * 2}
    found = critical_path([fast, slow, pads])
    assert found == CriticalPath(
        stretches=(
            Stretch(unit="byte_units.softmax.x", cells=1, carries=0, logic_ns=1.0, wires_ns=0.0),
            Stretch(unit="byte_units.softmax.sum", cells=2, carries=2, logic_ns=1.0, wires_ns=3.0),
        )
    )
    assert (found.logic_ns, found.wires_ns) == (2.0, 3.0)
    assert critical_path([pads]) is None


@pytest.mark.parametrize(
    ("cell", "unit"),
    [
        ("top.core.array.column4.bank.0.1", "array.column4.bank.0.1"),
        ("top.core.array.column4.weight_0_TRELLIS_FF_Q_47", "array.column4.weight_0"),
        ("top.core.sequencer.pc_LUT4_A_Z_CCU2C_S0$CCU2_COMB1", "sequencer.pc"),
        ("top.uart.receiver.count_SB_DFF_Q", "uart.receiver.count"),
        ("$PACKER_VCC", ""),
    ],
)
def test_a_cell_belongs_to_a_unit(cell: str, unit: str) -> None:
    assert unit_of(cell) == unit

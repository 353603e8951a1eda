"""Recorded logs of nextpnr, shortened, as progress."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfl2hw.codegen.nextpnr_log import NextpnrLog

LOGS = Path(__file__).parent / "logs"


def followed(name: str) -> tuple[list[tuple[str, float]], NextpnrLog]:
    reports: list[tuple[str, float]] = []
    log = NextpnrLog(lambda phase, done: reports.append((phase, done)))
    for line in (LOGS / f"{name}.log").read_text().splitlines(keepends=True):
        log.follow(line)
    return reports, log


@pytest.mark.parametrize("name", ["ice40_router1", "ecp5_router1", "ice40_router2"])
def test_phases_follow_each_other_and_the_share_never_falls(name: str) -> None:
    reports, log = followed(name)
    phases = list(dict.fromkeys(phase.partition(",")[0] for phase, _ in reports))
    globals_first = ["routing the global nets"] if name.startswith("ecp5") else []
    assert phases == [
        "packing", "placing", "refining the placement", *globals_first, "routing", "analysing the timing",
    ]  # fmt: skip
    shares = [done for _, done in reports]
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.1
    assert 0.9 < shares[-1] < 1
    assert len(reports) > 30
    cells = "TRELLIS_COMB" if name.startswith("ecp5") else "ICESTORM_LC"
    assert 1000 < log.usage[cells][0] <= log.usage[cells][1]


def test_what_is_said_of_an_iteration() -> None:
    first, _ = followed("ice40_router1")
    said = {"placing, iteration 7", "refining the placement, iteration 15", "routing, 14,051 arcs left"}
    assert said <= dict(first).keys()
    second, _ = followed("ice40_router2")
    assert dict(second)["routing, iteration 1, 2,595 wires overused"] == pytest.approx(0.5)
    assert 0.5 < dict(second)["routing, iteration 8, 155 wires overused"] < 0.75


def test_half_of_the_arcs_is_half_of_the_routing() -> None:
    reports: list[tuple[str, float]] = []
    log = NextpnrLog(lambda phase, done: reports.append((phase, done)))
    log.follow("Info: Routing 1000 arcs.\n")
    log.follow("Info:       1000 |       41        958 |   41   958 |       500|       2.72       2.72|\n")
    assert reports == [("routing, 500 arcs left", pytest.approx(0.725))]
    log.follow("Info:       2000 |       41        958 |   41   958 |       600|       2.72       2.72|\n")
    assert reports[1:] == [("routing, 600 arcs left", pytest.approx(0.725))]

"""The share that is done: by predicted cycles, never falling, never ahead of a step."""

from __future__ import annotations

import pytest

from tfl2hw.sim.meter import Meter


def test_steps_and_ticks() -> None:
    told: list[tuple[str, float | None]] = []
    meter = Meter(lambda text, done: told.append((text, done)), 400)
    meter.begin("first", 100)
    meter.tick(30)
    meter.begin("second", 200)
    meter.tick(80)
    meter.tick(5000)  # transfers take what they take
    meter.begin("third", 100)
    meter.tick(5100)
    assert told == [
        ("first", 0.0),
        ("first", pytest.approx(0.075)),
        ("second", 0.25),
        ("second", pytest.approx(0.375)),
        ("second", 0.75),
        ("third", 0.75),
        ("third", 1.0),
    ]


def test_more_steps_than_were_told_stay_at_the_end() -> None:
    told: list[float | None] = []
    meter = Meter(lambda _, done: told.append(done), 100)
    meter.begin("first", 100)
    meter.begin("second", 100)
    meter.begin("third", 100)
    assert told == [0.0, 1.0, 1.0]

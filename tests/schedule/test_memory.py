"""The memory plan: live buffers apart, conflicting ones in different banks, refusals with the numbers."""

from __future__ import annotations

import random
import re
from itertools import combinations

import pytest

from tfl2hw.errors import DoesNotFit
from tfl2hw.schedule.memory import Buffer, MemoryPlan, plan_memory
from tfl2hw.schedule.shape import Target


def make_target(size: int, banks: int = 1, lanes: int = 8) -> Target:
    return Target(lanes=lanes, columns=4, requantizers=1, scratchpad_bytes=size, banks=banks)


def buffer(name: str, size: int, first: int, last: int) -> Buffer:
    return Buffer(name=name, size=size, first=first, last=last)


def check(plan: MemoryPlan, target: Target, conflicts: list[tuple[str, str]]) -> None:
    """Whatever is alive at the same time stands apart, in its bank, on a word."""
    bank_bytes = target.scratchpad_bytes // target.banks
    for one, other in combinations(plan.buffers, 2):
        if one.first <= other.last and other.first <= one.last:
            low, high = sorted((one, other), key=lambda each: plan.addresses[each.name])
            assert plan.addresses[low.name] + low.size <= plan.addresses[high.name], f"{low} {high}"
    used = [0] * target.banks
    for each in plan.buffers:
        start = plan.addresses[each.name]
        bank = start // bank_bytes
        assert start % target.lanes == 0
        assert start + each.size <= (bank + 1) * bank_bytes
        used[bank] = max(used[bank], start + each.size - bank * bank_bytes)
    assert tuple(used) == plan.used
    if target.banks == 2:
        for one, other in conflicts:
            assert plan.addresses[one] // bank_bytes != plan.addresses[other] // bank_bytes


def random_chain(generator: random.Random, layers: int) -> tuple[list[Buffer], list[tuple[str, str]]]:
    """A network without odd circles: each layer reads one of an even distance before it, or the last one."""
    born, sizes, last, conflicts = {0: 0}, {}, {}, []
    for step in range(layers):
        source = max(0, step - generator.choice((0, 0, 2)))
        conflicts.append((f"t{source}", f"t{step + 1}"))
        last[source] = max(last.get(source, 0), step)
        born[step + 1] = step
    for number in born:
        sizes[number] = generator.randrange(1, 200)
    return [
        buffer(f"t{number}", sizes[number], born[number], last.get(number, layers)) for number in born
    ], conflicts


@pytest.mark.parametrize("banks", [1, 2])
@pytest.mark.parametrize("seed", range(20))
def test_random_networks(banks: int, seed: int) -> None:
    generator = random.Random(seed)
    buffers, conflicts = random_chain(generator, generator.randrange(2, 25))
    target = make_target(8192, banks, generator.choice((4, 8, 16)))
    plan = plan_memory(buffers, conflicts, target, "net.tflite")
    assert set(plan.addresses) == {each.name for each in buffers}
    check(plan, target, conflicts)


def test_a_chain_needs_its_two_largest_neighbours() -> None:
    sizes = [64, 800, 400, 80, 640, 8]
    buffers = [buffer(f"t{n}", size, max(0, n - 1), n) for n, size in enumerate(sizes)]
    conflicts = [(f"t{n}", f"t{n + 1}") for n in range(5)]
    plan = plan_memory(buffers, conflicts, make_target(4096), "net.tflite")
    assert plan.used == (1200,)


def test_streamed_weights_stay_for_ever() -> None:
    """A buffer that lives all the time shares its bytes with nothing."""
    buffers = [buffer("weights", 512, -1, 9), *(buffer(f"t{n}", 256, n, n + 1) for n in range(8))]
    conflicts = [(f"t{n}", f"t{n + 1}") for n in range(7)] + [("weights", "t3")]
    target = make_target(4096, 2)
    plan = plan_memory(buffers, conflicts, target, "net.tflite")
    check(plan, target, conflicts)


def test_conflicts_in_a_ring_of_even_length() -> None:
    names = [f"t{n}" for n in range(6)]
    buffers = [buffer(name, 100, 0, 6) for name in names]
    conflicts = list(zip(names, names[1:] + names[:1], strict=True))
    target = make_target(4096, 2)
    check(plan_memory(buffers, conflicts, target, "net.tflite"), target, conflicts)


def test_refuses_an_odd_ring() -> None:
    names = ["a", "b", "c"]
    buffers = [buffer(name, 8, 0, 3) for name in names]
    conflicts = [("a", "b"), ("b", "c"), ("a", "c")]
    with pytest.raises(
        DoesNotFit, match=r"net.tflite: \w and \w are read and written by the same layer.*ECP5"
    ):
        plan_memory(buffers, conflicts, make_target(4096, 2), "net.tflite")
    plan_memory(buffers, conflicts, make_target(4096, 1), "net.tflite")


def test_refuses_with_the_numbers() -> None:
    buffers = [
        buffer("tensor 3", 1000, 0, 1),
        buffer("tensor 4", 600, 0, 1),
        buffer("tensor 5", 10, 0, 0),
        buffer("tensor 6", 20, 0, 0),
    ]
    with pytest.raises(DoesNotFit) as refusal:
        plan_memory(buffers, [], make_target(1024), "net.tflite")
    text = str(refusal.value)
    needed, available = re.search(r"the scratchpad needs (\d+) bytes, the board has (\d+)", text).groups()
    assert 1630 <= int(needed) <= 1656
    assert available == "1024"
    assert text.startswith("net.tflite: ")
    assert "tensor 3 (1000 bytes), tensor 4 (600 bytes), tensor 6 (20 bytes)" in text


def test_refuses_a_bank_with_its_number() -> None:
    buffers = [buffer("a", 900, 0, 1), buffer("b", 8, 0, 1)]
    with pytest.raises(DoesNotFit, match="bank 0 of the scratchpad needs 900 bytes, the board has 512"):
        plan_memory(buffers, [("a", "b")], make_target(1024, 2), "net.tflite")


@pytest.mark.parametrize("size", [1024, 1025, 1023])
def test_a_plan_that_just_fits(size: int) -> None:
    buffers = [buffer("a", size, 0, 0)]
    if size <= 1024:
        assert plan_memory(buffers, [], make_target(1024), "net.tflite").used == (size,)
    else:
        with pytest.raises(DoesNotFit, match="needs 1025 bytes, the board has 1024"):
            plan_memory(buffers, [], make_target(1024), "net.tflite")

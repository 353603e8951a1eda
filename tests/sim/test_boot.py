"""Power-up of a whole board's top from its flash, pin to pin: from the reset to the first answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.small_models import SmallModel, samples
from tfl2hw.api import Accelerator
from tfl2hw.codegen import Compiled, compile_model
from tfl2hw.codegen.bitstream import elaborate, pll_for
from tfl2hw.codegen.tools import silent
from tfl2hw.codegen.write import board_core
from tfl2hw.errors import ToolError
from tfl2hw.rtl_templates.uart import LEAST_DIVISOR
from tfl2hw.runtime.flash import boot_contents
from tfl2hw.sim.inference import simulated_board
from tfl2hw.sim.oracle import interpret
from tfl2hw.sim.verify import verify_build


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """A model whose weights, program and softmax's table are loaded."""
    model = SmallModel(3)
    model.sink(model.softmax(model.dense(model.input((1, 40)), 10)))
    path = model.write(tmp_path_factory.mktemp("boot"), "small")
    return compile_model(path, "icebreaker", lanes=4, columns=2)


def check(board: Accelerator) -> None:
    """One inference, exact, in as many cycles as predicted."""
    compiled = board.model
    (sample,) = samples(compiled.file, 1)
    (expected,) = interpret(compiled.file, [sample], "litert-ref")
    answer = board.run(*sample)
    assert answer.cycles == compiled.predicted_cycles
    for index, found in zip(compiled.graph.outputs, answer.outputs, strict=True):
        np.testing.assert_array_equal(found, expected[index])


def test_it_answers_from_power_up_on(small: Compiled) -> None:
    """Without a byte of weights over the link; after a reset as well."""
    sent = bytearray()
    contents = boot_contents(small)
    with simulated_board(small, divisor=LEAST_DIVISOR, flash=contents) as device:
        write = device.write
        device.write = lambda data: (sent.extend(data), write(data))[1]  # type: ignore[method-assign]
        board = Accelerator(small, device)
        check(board)
        assert len(sent) < len(small.image.scratchpad[0][1])
        device.reset()
        check(board)
        assert board.state().broken == board.state().cut == 0


def flipped(contents: bytes) -> bytes:
    """One bit in the middle is another."""
    middle = len(contents) // 2
    return contents[:middle] + bytes([contents[middle] ^ 4]) + contents[middle + 1 :]


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (flipped, "the weights in the board's flash are damaged"),
        (lambda contents: contents[: len(contents) // 2], "the weights in the board's flash are damaged"),
        (lambda _: b"", "the board's flash holds no weights for its design"),
    ],
)
def test_a_flash_that_is_wrong_is_refused_and_the_link_still_loads(
    small: Compiled, spoil: Callable[[bytes], bytes], found: str
) -> None:
    contents = spoil(boot_contents(small))
    with simulated_board(small, divisor=LEAST_DIVISOR, flash=contents) as device:
        with pytest.raises(ToolError, match=f"^{found}.*`tfl2hw run DIR --load`"):
            check(Accelerator(small, device))
        check(Accelerator(small, device, load=True))
        check(Accelerator(small, device))  # it has them now


def test_a_boards_top_answers_from_power_up_on(small: Compiled, tmp_path: Path) -> None:
    """With PLL, reset and pads: from the pins of the flash to the UART's, nothing loaded over the link."""
    board = small.board
    elaborate(board_core(small), board, pll_for(board), tmp_path)
    inputs = samples(small.file, 1)
    (result,) = verify_build(small, tmp_path, inputs, "litert-ref", silent, stages=("rtl",))
    assert (result.exact, result.cycles, result.error) == (True, small.predicted_cycles, None)


@pytest.mark.long
def test_kws_boots(models_dir: Path) -> None:
    compiled = compile_model(models_dir / "kws_int8.tflite", "icebreaker")
    with simulated_board(compiled, flash=boot_contents(compiled)) as device:
        check(Accelerator(compiled, device))

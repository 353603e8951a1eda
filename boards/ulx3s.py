"""ULX3S (Lattice ECP5, speed grade 6) with its four sizes of chip."""

from __future__ import annotations

from dataclasses import replace

from .board import Board, Chip

_CHIPS = {
    "12f": Chip(name="LFE5U-12F", nextpnr=("--12k",), luts=24288, flip_flops=24288, dsps=28, multipliers=28,
                block_rams=56, block_ram_bits=18432),
    "25f": Chip(name="LFE5U-25F", nextpnr=("--25k",), luts=24288, flip_flops=24288, dsps=28, multipliers=28,
                block_rams=56, block_ram_bits=18432),
    "45f": Chip(name="LFE5U-45F", nextpnr=("--45k",), luts=43848, flip_flops=43848, dsps=72, multipliers=72,
                block_rams=108, block_ram_bits=18432),
    "85f": Chip(name="LFE5U-85F", nextpnr=("--85k",), luts=83640, flip_flops=83640, dsps=156, multipliers=156,
                block_rams=208, block_ram_bits=18432),
}  # fmt: skip

_PACKAGE = ("--package", "CABGA381", "--speed", "6")


def _board(size: str, lanes: int, columns: int, requantizers: int, words: int, target: float) -> Board:
    return Board(
        name=f"ulx3s-{size}",
        title=f"ULX3S {size.upper()}",
        family="ecp5",
        chip=replace(_CHIPS[size], nextpnr=_CHIPS[size].nextpnr + _PACKAGE),
        platform=f"amaranth_boards.ulx3s:ULX3S_{size.upper()}_Platform",
        clock_mhz=25.0,
        target_mhz=target,
        baud=3_000_000,
        program=(("openFPGALoader", "-b", "ulx3s"), ("fujprog",), ("ecpdap", "program")),
        lanes=lanes,
        columns=columns,
        requantizers=requantizers,
        scratchpad="block",
        scratchpad_words=words,
        bank_depth=1 << 14,
        vector_lanes=lanes // 2,
    )


ULX3S_12F = _board("12f", 4, 4, 1, 8192, 80.0)
ULX3S_25F = _board("25f", 4, 4, 1, 8192, 80.0)
ULX3S_45F = _board("45f", 8, 8, 4, 8192, 90.0)
ULX3S_85F = _board("85f", 8, 8, 4, 16384, 100.0)

"""The chips of the boards: what each offers."""

from __future__ import annotations

from .board import Chip

UP5K = Chip(name="iCE40UP5K", nextpnr=("--up5k", "--package", "sg48"), luts=5280, flip_flops=5280, dsps=8,
            multipliers=16, block_rams=30, block_ram_bits=4096, spram_bytes=131072)  # fmt: skip
HX8K = Chip(name="iCE40HX8K", nextpnr=("--hx8k", "--package", "ct256"), luts=7680, flip_flops=7680, dsps=0,
            multipliers=0, block_rams=32, block_ram_bits=4096)  # fmt: skip


def _dsp_rows(rows: tuple[int, ...], blocks: tuple[int, ...]) -> tuple[tuple[str, ...], ...]:
    """Sites of MULT18X18D: a DSP block begins at each x of ``blocks`` and has four of them."""
    places = ((4, 0), (5, 1), (8, 4), (9, 5))
    return tuple(tuple(f"X{x + dx}/Y{y}/MULT18_{z}" for x in blocks for dx, z in places) for y in rows)


_DSP_ROWS = {
    "45": _dsp_rows((22, 46), (0, 9, 18, 27, 38, 47, 56, 65, 74)),
    "85": _dsp_rows((10, 34, 58), (0, 9, 18, 27, 36, 45, 54, 65, 74, 83, 92, 101, 110)),
}
_ECP5 = {"12": (24288, 28, 56), "25": (24288, 28, 56), "45": (43848, 72, 108), "85": (83640, 156, 208)}
"""By size: LUTs, multipliers, block RAMs."""


def ecp5(size: str, package: str = "CABGA381", speed: str = "6", kind: str = "") -> Chip:
    """An ECP5 of ``size`` thousand LUTs; ``kind`` is "um5g" for the fast ones with transceivers."""
    luts, multipliers, blocks = _ECP5[size]
    option = f"--{kind}-{size}k" if kind else f"--{size}k"
    return Chip(
        name=f"LFE5{(kind or 'u').upper()}-{size}F",
        nextpnr=(option, "--package", package, "--speed", speed),
        luts=luts,
        flip_flops=luts,
        dsps=multipliers,
        multipliers=multipliers,
        block_rams=blocks,
        block_ram_bits=18432,
        dsp_rows=_DSP_ROWS.get(size, ()),
    )

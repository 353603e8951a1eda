"""The models of ECP5 cells against models in Python, written from the cells' description."""

from __future__ import annotations

import os
import random
import re
import subprocess
from pathlib import Path

import pytest

from tests.sim.cells import Fields, Instance, run_cells
from tfl2hw.sim import verilator
from tfl2hw.sim.netlist import cell_models

WORDS, WORD = 1024, 18
RAM_INPUTS = {"addra": 14, "addrb": 14, "dia": 18, "dib": 18, "cea": 1, "ceb": 1, "wea": 1, "web": 1,
              "ocea": 1, "oceb": 1}  # fmt: skip
WEB = "{web} & ~({wea} & ({addra}[13:4] == {addrb}[13:4]))"


class Ram:
    """A block RAM: 18,432 bits, of which ports narrower than nine bits leave out every ninth."""

    def __init__(self, width: int, mode: str, registered: bool, initial: list[int]) -> None:
        self.width, self.mode, self.registered = width, mode, registered
        self.words = list(initial)
        self.latch: dict[str, int | None] = {"a": None, "b": None}
        self.out: dict[str, int | None] = {"a": None, "b": None}

    def place(self, address: int) -> tuple[int, int]:
        """Word and first bit of what ``address`` selects."""
        if self.width == 18:
            return address >> 4, 0
        within = address & 15
        byte, bit = within >> 3, within & 7
        keep = {9: 0, 4: 4, 2: 6, 1: 7}[self.width]
        return address >> 4, 9 * byte + (bit & keep)

    def __call__(self, given: Fields) -> Fields:
        for port in "ab":
            if given["oce" + port]:
                self.out[port] = self.latch[port]
        given = {**given, "web": given["web"] & ~collides(given)}
        stores = []
        before = list(self.words)
        for port in "ab":
            if not given["ce" + port]:
                continue
            address = given["addr" + port]
            word, first = self.place(address)
            mask = ((1 << self.width) - 1) << first
            if self.width == 18:
                mask = (0x1FF if address & 1 else 0) | (0x3FE00 if address & 2 else 0)
            ones = (1 << self.width) - 1
            new = before[word] & ~mask | (given["di" + port] << first) & mask
            if given["we" + port]:
                stores.append((word, mask, new))
            if not given["we" + port] or self.mode == "READBEFOREWRITE":
                self.latch[port] = before[word] >> first & ones
            elif self.mode == "WRITETHROUGH":
                self.latch[port] = new >> first & ones
        for word, mask, new in stores:
            self.words[word] = self.words[word] & ~mask | new & mask
        shown = self.out if self.registered else self.latch
        return {f"do{port}": value for port, value in shown.items() if value is not None}


class WideRam:
    """A block RAM of 512 words of 36 bits: port A writes bytes of nine bits, port B reads."""

    def __init__(self, initial: list[int]) -> None:
        self.words = [low | high << 18 for low, high in zip(initial[::2], initial[1::2], strict=True)]
        self.latch: int | None = None

    def __call__(self, given: Fields) -> Fields:
        if given["ceb"]:
            self.latch = self.words[given["addrb"] >> 5]
        if given["cea"] and given["wea"]:
            data, word = given["dia"] | given["dib"] << 18, given["addra"] >> 5
            for byte in range(4):
                if given["addra"] >> byte & 1:
                    mask = 0x1FF << 9 * byte
                    self.words[word] = self.words[word] & ~mask | data & mask
        if self.latch is None:
            return {}
        return {"doa": self.latch & 0x3FFFF, "dob": self.latch >> 18}


def collides(given: Fields) -> int:
    """Whether both ports would write one word, whose outcome nobody promises."""
    return int(given["wea"] and given["addra"] >> 4 == given["addrb"] >> 4)


def contents(seed: int) -> list[int]:
    generator = random.Random(seed)
    return [generator.getrandbits(WORD) for _ in range(WORDS)]


def ram_text(parameters: str, initial: list[int], web: str = WEB) -> str:
    rows = []
    for row in range(64):
        value = sum(word << 20 * n for n, word in enumerate(initial[16 * row : 16 * row + 16]))
        rows.append(f".INITVAL_{row:02X}(320'h{value:x})")
    pins = []
    for port, letter in (("a", "A"), ("b", "B")):
        pins += [f".AD{letter}{n}({{addr{port}}}[{n}])" for n in range(14)]
        pins += [f".DI{letter}{n}({{di{port}}}[{n}]), .DO{letter}{n}({{do{port}}}[{n}])" for n in range(18)]
        pins += [f".CE{letter}({{ce{port}}}), .OCE{letter}({{oce{port}}}), .CLK{letter}(clk)"]
        pins += [f".RST{letter}(1'b0)", *(f".CS{letter}{n}(1'b0)" for n in range(3))]
    pins += [".WEA({wea})", f".WEB({web})"]
    return f"  DP16KD #({parameters}, {', '.join(rows)}) {{instance}} ({', '.join(pins)});"


def ram(width: int, mode: str, register: str, seed: int) -> Instance:
    initial = contents(seed)
    parameters = ", ".join(
        f'.DATA_WIDTH_{port}({width}), .WRITEMODE_{port}("{mode}"), .REGMODE_{port}("{register}")'
        for port in "AB"
    )
    return Instance(
        text=ram_text(parameters, initial),
        inputs={},
        outputs={"doa": width, "dob": width},
        model=Ram(width, mode, register == "OUTREG", initial),
    )


def wide_ram(seed: int) -> Instance:
    initial = contents(seed)
    parameters = ".DATA_WIDTH_A(36), .DATA_WIDTH_B(36)"
    return Instance(
        text=ram_text(parameters, initial, web="1'b0"),
        inputs={},
        outputs={"doa": 18, "dob": 18},
        model=WideRam(initial),
    )


class Product:
    """Registers of factors, product and result, each there or not, with one enable and one reset."""

    def __init__(self, inputs: bool, pipeline: bool, output: bool) -> None:
        self.used = {"factors": inputs, "product": pipeline, "result": output}
        self.held: dict[str, int | None] = {"a": None, "b": None, "product": None, "result": None}

    def values(self, given: Fields) -> dict[str, int | None]:
        """What stands at each register's output."""
        seen = dict(self.held)
        if not self.used["factors"]:
            seen |= {name: signed(given[name], given[f"s{name}"]) for name in "ab"}
        a, b = seen["a"], seen["b"]
        seen["next"] = None if a is None or b is None else a * b & (1 << 36) - 1
        if not self.used["product"]:
            seen["product"] = seen["next"]
        if not self.used["result"]:
            seen["result"] = seen["product"]
        return seen

    def __call__(self, given: Fields) -> Fields:
        before = self.values(given)
        if given["rst"]:
            self.held = dict.fromkeys(self.held, 0)
        elif given["ce"]:
            self.held = {name: signed(given[name], given[f"s{name}"]) for name in "ab"}
            self.held |= {"product": before["next"], "result": before["product"]}
        result = self.values(given)["result"]
        return {} if result is None else {"p": result}


def signed(value: int, is_signed: int) -> int:
    """An 18-bit factor's value."""
    return value - (1 << 18) if is_signed and value >> 17 else value


def product(inputs: bool, pipeline: bool, output: bool) -> Instance:
    chosen = {"INPUTA": inputs, "INPUTB": inputs, "PIPELINE": pipeline, "OUTPUT": output}
    parameters = ", ".join(
        f'.REG_{name}_CLK("{"CLK0" if used else "NONE"}")' for name, used in chosen.items()
    )
    pins = [f".A{n}({{a}}[{n}]), .B{n}({{b}}[{n}])" for n in range(18)]
    pins += [f".P{n}({{p}}[{n}])" for n in range(36)]
    pins += [".SIGNEDA({sa}), .SIGNEDB({sb}), .SOURCEA(1'b0), .SOURCEB(1'b0)"]
    pins += [".CLK0(clk), .CE0({ce}), .RST0({rst})"]
    return Instance(
        text=f"  MULT18X18D #({parameters}) {{instance}} ({', '.join(pins)});",
        inputs={"a": 18, "b": 18, "sa": 1, "sb": 1, "ce": 1, "rst": 1},
        outputs={"p": 36},
        model=Product(inputs, pipeline, output),
    )


def flip_flop(parameters: str, mode: str) -> Instance:
    """``mode`` is the word that picks the behaviour below."""
    pins = ".CLK(clk), .LSR({lsr}), .CE({ce}), .DI({di}), .M({m}), .Q({q})"
    state = {"q": 1 if "set" in mode else 0}

    def model(given: Fields) -> Fields:
        enable = {"CE": given["ce"], "INV": 1 - given["ce"], "1": 1}[mode.split()[0]]
        if given["lsr"]:
            state["q"] = 1 if "set" in mode else 0
        elif enable:
            state["q"] = given["m" if "m" in mode.split() else "di"]
        return dict(state)

    return Instance(
        text=f"  TRELLIS_FF #({parameters}) {{instance}} ({pins});",
        inputs={"lsr": 1, "ce": 1, "di": 1, "m": 1},
        outputs={"q": 1},
        model=model,
    )


def flip_flops() -> list[Instance]:
    return [
        flip_flop('.CEMUX("CE"), .SD("1")', "CE"),
        flip_flop('.CEMUX("INV"), .SD("0"), .REGSET("SET")', "INV m set"),
        flip_flop('.CEMUX("1"), .SRMODE("ASYNC")', "1"),
    ]


def lut(init: int, z1: bool) -> Instance:
    """A LUT with the multiplexer behind it."""
    pins = ".A({x}[0]), .B({x}[1]), .C({x}[2]), .D({x}[3]), .M({m}), .F1({f1}), .FXA({fxa}), .FXB({fxb})"

    def model(given: Fields) -> Fields:
        f = init >> given["x"] & 1
        chosen = (given["fxa"], given["fxb"]) if z1 else (f, given["f1"])
        return {"f": f, "ofx": chosen[given["m"]]}

    return Instance(
        text=f"  TRELLIS_COMB #(.INITVAL(16'h{init:x}), .IS_Z1(1'b{z1:d})) {{instance}} "
        f"({pins}, .F({{f}}), .OFX({{ofx}}));",
        inputs={"x": 4, "m": 1, "f1": 1, "fxa": 1, "fxb": 1},
        outputs={"f": 1, "ofx": 1},
        model=model,
    )


def agree(text: str, inputs: dict[str, int], width: int) -> Instance:
    """Two ways to say one thing: ``text`` makes ``difference``, which must stay 0."""
    return Instance(
        text=text, inputs=inputs, outputs={"difference": width}, model=lambda given: {"difference": 0}
    )


def carry(init0: int, init1: int, inject0: str, inject1: str) -> Instance:
    """Two halves as nextpnr packs a CCU2C, and Yosys's CCU2C."""
    text = f"""
  wire carry_{{instance}};
  wire [2:0] halves_{{instance}}, whole_{{instance}};
  TRELLIS_COMB #(.MODE("CCU2"), .INITVAL({init0}), .CCU2_INJECT1("{inject0}")) {{instance}}_0 (
    .A({{x}}[0]), .B({{x}}[1]), .C({{x}}[2]), .D({{x}}[3]), .FCI({{cin}}),
    .F(halves_{{instance}}[0]), .FCO(carry_{{instance}}));
  TRELLIS_COMB #(.MODE("CCU2"), .INITVAL({init1}), .CCU2_INJECT1("{inject1}")) {{instance}}_1 (
    .A({{y}}[0]), .B({{y}}[1]), .C({{y}}[2]), .D({{y}}[3]), .FCI(carry_{{instance}}),
    .F(halves_{{instance}}[1]), .FCO(halves_{{instance}}[2]));
  CCU2C #(.INIT0({init0}), .INIT1({init1}), .INJECT1_0("{inject0}"), .INJECT1_1("{inject1}")) {{instance}} (
    .A0({{x}}[0]), .B0({{x}}[1]), .C0({{x}}[2]), .D0({{x}}[3]),
    .A1({{y}}[0]), .B1({{y}}[1]), .C1({{y}}[2]), .D1({{y}}[3]), .CIN({{cin}}),
    .S0(whole_{{instance}}[0]), .S1(whole_{{instance}}[1]), .COUT(whole_{{instance}}[2]));
  assign {{difference}} = halves_{{instance}} ^ whole_{{instance}};"""
    return agree(text, {"x": 4, "y": 4, "cin": 1}, 3)


def distributed_ram(initial: list[int]) -> Instance:
    """Four LUTs and the write wires as nextpnr packs a TRELLIS_DPR16X4, and Yosys's."""
    whole = sum(word << 4 * address for address, word in enumerate(initial))
    luts = []
    for bit in range(4):
        permuted = 0
        for place in range(16):
            address = (place & 1) << 3 | (place & 2) | (place & 4) | place >> 3
            permuted |= (initial[address] >> bit & 1) << place
        luts.append(f"""
  TRELLIS_COMB #(.MODE("DPRAM"), .INITVAL(16'd{permuted})) {{instance}}_{bit} (
    .D({{rad}}[0]), .B({{rad}}[1]), .C({{rad}}[2]), .A({{rad}}[3]), .WCK(clk), .WRE({{wre}}),
    .WAD0(w_{{instance}}[0]), .WAD1(w_{{instance}}[1]), .WAD2(w_{{instance}}[2]), .WAD3(w_{{instance}}[3]),
    .WD(d_{{instance}}[{bit}]), .F(packed_{{instance}}[{bit}]));""")
    text = f"""
  wire [3:0] w_{{instance}}, d_{{instance}}, packed_{{instance}}, whole_{{instance}};
  TRELLIS_RAMW {{instance}}_w (
    .D0({{wad}}[0]), .B0({{wad}}[1]), .C0({{wad}}[2]), .A0({{wad}}[3]),
    .C1({{di}}[0]), .A1({{di}}[1]), .D1({{di}}[2]), .B1({{di}}[3]),
    .WADO0(w_{{instance}}[0]), .WADO1(w_{{instance}}[1]), .WADO2(w_{{instance}}[2]),
    .WADO3(w_{{instance}}[3]), .WDO0(d_{{instance}}[0]), .WDO1(d_{{instance}}[1]),
    .WDO2(d_{{instance}}[2]), .WDO3(d_{{instance}}[3]));{"".join(luts)}
  TRELLIS_DPR16X4 #(.INITVAL(64'd{whole})) {{instance}} (
    .DI({{di}}), .WAD({{wad}}), .WRE({{wre}}), .WCK(clk), .RAD({{rad}}), .DO(whole_{{instance}}));
  assign {{difference}} = packed_{{instance}} ^ whole_{{instance}};"""
    return agree(text, {"wad": 4, "rad": 4, "di": 4, "wre": 1}, 4)


def test_every_model_computes_what_its_description_says(tmp_path: Path) -> None:
    generator = random.Random(3)
    rams = [
        ram(width, mode, register, seed)
        for seed, (width, mode, register) in enumerate((
            (18, "NORMAL", "NOREG"), (9, "READBEFOREWRITE", "NOREG"), (4, "WRITETHROUGH", "NOREG"),
            (2, "NORMAL", "NOREG"), (1, "NORMAL", "NOREG"), (18, "READBEFOREWRITE", "OUTREG"),
            (9, "NORMAL", "OUTREG"), (18, "WRITETHROUGH", "NOREG"),
        ))
    ]  # fmt: skip
    products = [
        product(*registers)
        for registers in ((True, True, True), (True, False, True), (False, False, False), (True, True, False))
    ]
    carries = [
        carry(generator.getrandbits(16), generator.getrandbits(16), *injections)
        for injections in (("NO", "NO"), ("YES", "NO"), ("NO", "YES"))
    ]
    rest = [lut(0x1EE7, False), lut(0xCAFE, True), *carries, *flip_flops()]
    memory = distributed_ram([generator.getrandbits(4) for _ in range(16)])
    run_cells(
        cell_models("ecp5"), RAM_INPUTS, [*rams, wide_ram(50), *products, *rest, memory], 3000, tmp_path
    )


@pytest.mark.parametrize(
    ("cell", "complaint"),
    [
        ("DP16KD #(.DATA_WIDTH_A(3))", "DATA_WIDTH must be"),
        ("DP16KD #(.DATA_WIDTH_A(36), .DATA_WIDTH_B(18))", "only with another of 36"),
        ('DP16KD #(.DATA_WIDTH_A(36), .DATA_WIDTH_B(36), .REGMODE_B("OUTREG"))', "output registers of 36"),
        ('DP16KD #(.REGMODE_A("SOMETHING"))', "REGMODE must be"),
        ('DP16KD #(.CSDECODE_B("0b001"))', "CSDECODE other than"),
        ('DP16KD #(.CLKBMUX("INV"))', "inverted clocks"),
        ('MULT18X18D #(.REG_OUTPUT_CLK("CLK1"))', "CLK0, CE0 and RST0 alone"),
        ('MULT18X18D #(.SOURCEB_MODE("C_SHIFT"))', "SOURCEB_MODE"),
        ('EHXPLLL #(.CLKOS_ENABLE("ENABLED"))', "only CLKOP"),
        ('TRELLIS_FF #(.LSRMODE("PRLD"))', "LSRMODE must be LSR"),
        ('TRELLIS_COMB #(.MODE("NEW"))', "MODE must be"),
        ('TRELLIS_OUTPUT #(.DATAMUX_ODDR("IOLDO"))', "registers in the pad"),
        ("PDPW16KD", "Cannot find.*PDPW16KD"),
    ],
)
def test_what_is_not_modelled_is_refused(tmp_path: Path, cell: str, complaint: str) -> None:
    lint(tmp_path, "ecp5", cell, complaint)


def lint(folder: Path, family: str, cell: str, complaint: str) -> None:
    """Verilator must refuse ``cell`` with a matching ``complaint``, with the flags of a netlist's build."""
    file = folder / "design.v"
    file.write_text(f"{cell_models(family)}\nmodule bench;\n  {cell} instance_ ();\nendmodule\n")
    root = verilator.verilator_root()
    done = subprocess.run(
        [str(root / "bin" / "verilator"), "--lint-only", *verilator.VERILATOR_FLAGS, *verilator.GATE_FLAGS,
         "--top-module", "bench", str(file)],
        capture_output=True, text=True, check=False, env=os.environ | {"VERILATOR_ROOT": str(root)},
    )  # fmt: skip
    assert done.returncode
    assert re.search(rf"%Error.*{complaint}", done.stderr), done.stderr[-2000:]

"""The one frozen description from which a core is generated."""

from __future__ import annotations

from dataclasses import dataclass

from .parts import Multiplier, VectorFunction

MULTIPLIERS = ("generic", "ecp5", "ice40")
SOFTMAX_DIGITS = (1, 2, 4)
SCRATCHPADS = ("block", "spram", "spram-model")
MOST_WINDOW = 16
"""Most bytes of a place's window: as many as the register ``window_skip`` can count."""
MOST_PLACES = 16
"""Most tokens of a pixel whose windows are kept: the depth of a small memory."""


@dataclass(frozen=True, kw_only=True)
class CoreConfig:
    """Shape and sizes of one core. Validated when made; every unit reads its own part.

    Parameters
    ----------
    lanes : C, products a column makes a cycle; also the bytes of a scratchpad word.
    columns : K, filters worked on at once; divides ``lanes``.
    requantizers : Q, parallel requantizers; divides ``columns``. A pixel takes at least K/Q cycles.
    accumulator_bits : width of the columns' accumulators (signed).
    mantissa_bits : width of the requantizers' multipliers (unsigned).
    mantissa_fraction : bits that the requantizers drop from the product before they shift.
    offset_bits : width of the requantizers' offsets (signed), less the ``offset_zeros`` zeros in which all
        of them end.
    shift_bits : width of the requantizers' shift counts.
    bank_depth : words (of ``lanes`` bytes) in each column's weight bank.
    parameter_depth : entries in each requantizer's parameter memory.
    program_depth : 32-bit words of program memory.
    scratchpad_words : words (of ``lanes`` bytes) of feature-map memory.
    scratchpad : "block" (one read and one write port, read and write at once), "spram" (two
        single-port banks of UP5K SPRAM, told apart by the top address bit; a read and a write in
        the same cycle must go to different banks) or "spram-model" (the same, behavioural).
    unaligned : whether a word may be read from any byte on, and copies may write parts of words; only with
        scratchpad "block".
    loads : whether weights, parameters and tables can be loaded (LOAD jobs, FLAG_STREAM); without that they
        stay what they are from the start, and a program must have no such job.
    spread : whether the host can write a byte several times at once (see ``hostbus``).
    shadows : whether the address generator's registers may be written while a job goes by them; without, a
        program waits with that (see ``isa.UNSHADOWED``), which costs nothing where the next job has to wait
        for results in any case.
    fixed : registers that always hold one value, with that value: constants, which no program can change.
    multiplier_latency : cycles of the columns' multipliers: 3, or 2 to save their output registers.
    bank_registers : 1 if weight banks have output registers (and IFM words wait for them), else 0.
    product_latency : cycles of the requantizers' multipliers; None: what their widths ask for.
    requantizer_dsps : DSPs that a requantizer's multiplier may take on ECP5, 1 or 2; LUTs make the rest.
    parameter_registers : registers behind the requantizers' parameter memories: 2 (its own, and one for the
        way), or fewer to save them.
    count_bits, coordinate_bits : widths of loop counters (signed, ``count - 2``) and of the row and
        column coordinates (signed).
    multiplier : which primitive multiplies: "generic" (plain ``*``), "ecp5" or "ice40".
    soft_lanes : lanes of each column whose products are made in LUTs instead of DSPs.
    soft_multiplier : what makes those, in a simulation too if it is portable; None: the chip family's own.
    window : bytes that the sliding window of a depthwise kernel has, the newest included; 0: no window.
    places : tokens of a pixel whose windows are kept; a power of two.
    single : whether pixels of one token have windows: then a place is read in the cycle behind its last use.
    pair, twin, quad : whether jobs may have FLAG_PAIR alone, FLAG_TWIN alone, and both: the lanes are divided
        into two parts, or (quad) four, with sums of their own. They need 8 lanes, quad 16; twin and quad
        twice as many lanes as columns.
    mover : whether the core has the byte mover (im2col, repacking).
    copier : whether whole words can be copied within the scratchpad.
    index : whether the core has the index register (a gather's addresses).
    softmax : whether the core has the softmax unit.
    softmax_digit : bits a cycle of the softmax's serial multiplier: 1, 2 or 4.
    softmax_tables : tables of 256 exponentials in it, one for each scale.
    log_softmax : whether the core has the unit for the logarithm of the softmax.
    log_tables : tables of 512 entries in it (exponentials, then distances), one for each scale.
    l2_normalize : whether the core has the L2 normalisation.
    arg_max : whether the core has the unit that finds a row's greatest or least byte.
    vector_lanes : elements a cycle of the table-sum unit (0: no unit); divides ``lanes``.
    table_depth : entries in each operand's table of the table-sum unit (256 an operator).
    table_bits : width of a table entry (signed).
    vector_shift : bits that the table-sum unit drops from the sum.
    functions : functions of other packages, each with a unit of its own.
    product : whether columns can multiply two bytes of a feature map (jobs with FLAG_PRODUCT).
    maximum : whether columns can keep a pixel's greatest or least sum (FLAG_MAXIMUM, FLAG_MINIMUM).
    digits : whether accumulators can move up between the digits of wide weights (FLAG_DIGITS).
    identity : 16 bytes, as 32 hex digits, by which a host recognises the design.
    slow_link : whether a byte of the host link may take several cycles, to save logic (see ``Link``).
    link_timeout : cycles without a byte after which the host link drops a frame.
    """

    lanes: int
    columns: int
    requantizers: int
    accumulator_bits: int
    mantissa_bits: int
    mantissa_fraction: int
    offset_bits: int
    shift_bits: int
    bank_depth: int
    parameter_depth: int
    program_depth: int
    scratchpad_words: int
    shadows: bool = True
    fixed: tuple[tuple[str, int], ...] = ()
    multiplier_latency: int = 3
    bank_registers: int = 1
    product_latency: int | None = None
    requantizer_dsps: int = 2
    offset_zeros: int = 0
    parameter_registers: int = 1
    count_bits: int = 13
    coordinate_bits: int = 11
    scratchpad: str = "block"
    unaligned: bool = False
    loads: bool = True
    spread: bool = False
    multiplier: str = "generic"
    soft_lanes: int = 0
    soft_multiplier: Multiplier | None = None
    window: int = 0
    places: int = 1
    single: bool = False
    pair: bool = False
    twin: bool = False
    quad: bool = False
    mover: bool = True
    copier: bool = True
    index: bool = True
    softmax: bool = True
    softmax_digit: int = 1
    softmax_tables: int = 1
    log_softmax: bool = False
    log_tables: int = 1
    l2_normalize: bool = False
    arg_max: bool = False
    vector_lanes: int = 0
    table_depth: int = 0
    table_bits: int = 0
    vector_shift: int = 0
    functions: tuple[VectorFunction, ...] = ()
    product: bool = False
    maximum: bool = False
    digits: bool = False
    identity: str = "00" * 16
    slow_link: bool = False
    link_timeout: int = 2**20

    def __post_init__(self) -> None:
        if self.lanes not in (4, 8, 16, 32):
            raise ValueError(f"lanes must be 4, 8, 16 or 32, not {self.lanes!r}")
        if self.columns not in (2, 4, 8, 16, 32) or self.lanes % self.columns:
            raise ValueError(f"columns must be a power of two that divides lanes, not {self.columns!r}")
        if self.requantizers < 1 or self.columns % self.requantizers:
            raise ValueError(f"requantizers must divide columns, not {self.requantizers!r}")
        if self.scratchpad not in SCRATCHPADS:
            raise ValueError(f"scratchpad must be one of {SCRATCHPADS}, not {self.scratchpad!r}")
        if self.unaligned and self.scratchpad != "block":
            raise ValueError(f"unaligned must be False with scratchpad {self.scratchpad!r}")
        if self.multiplier not in MULTIPLIERS:
            raise ValueError(f"multiplier must be one of {MULTIPLIERS}, not {self.multiplier!r}")
        if not 0 <= self.soft_lanes <= self.lanes:
            raise ValueError(f"soft_lanes must be 0 to lanes, not {self.soft_lanes!r}")
        if self.soft_multiplier and self.multiplier_latency not in self.soft_multiplier.latencies:
            raise ValueError(
                f"multiplier_latency must be one of soft_multiplier's, not {self.multiplier_latency!r}"
            )
        if self.requantizer_dsps not in (1, 2):
            raise ValueError(f"requantizer_dsps must be 1 or 2, not {self.requantizer_dsps!r}")
        if self.vector_lanes and self.lanes % self.vector_lanes:
            raise ValueError(f"vector_lanes must divide lanes, not {self.vector_lanes!r}")
        if self.softmax_digit not in SOFTMAX_DIGITS:
            raise ValueError(f"softmax_digit must be one of {SOFTMAX_DIGITS}, not {self.softmax_digit!r}")
        for name in ("softmax_tables", "log_tables"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)!r}")
        for name in (
            "log_softmax", "l2_normalize", "arg_max", "product", "maximum", "digits", "unaligned", "loads",
            "spread", "shadows", "slow_link", "single", "pair", "twin", "quad",
        ):  # fmt: skip
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} must be True or False, not {getattr(self, name)!r}")
        self._check_window()
        if len(self.identity) != 32:
            raise ValueError(f"identity must be 32 hex digits, not {self.identity!r}")
        if self.link_timeout < 2:
            raise ValueError(f"link_timeout must be at least 2 cycles, not {self.link_timeout!r}")

    def _check_window(self) -> None:
        most = min(self.lanes, MOST_WINDOW)
        if self.window not in range(most + 1):
            raise ValueError(f"window must be from 0 to {most}, not {self.window!r}")
        if self.places not in (1, 2, 4, 8, 16):
            raise ValueError(f"places must be a power of two up to {MOST_PLACES}, not {self.places!r}")
        for name, lanes in (("pair", 8), ("twin", 8), ("quad", 16)):
            if getattr(self, name) and self.lanes < lanes:
                raise ValueError(f"{name} must be False with fewer than {lanes} lanes")
            if getattr(self, name) and name != "pair" and self.lanes == self.columns:
                raise ValueError(f"{name} must be False with as many columns as lanes")

    def constant(self, register: str) -> int | None:
        """The value that ``register`` always holds, if it is one of the ``fixed``."""
        return dict(self.fixed).get(register)

    @property
    def divisions(self) -> tuple[tuple[int, int], ...]:
        """The (lines, channels) for which the lanes may be divided, besides (1, 1)."""
        every = {(2, 1): self.pair, (1, 2): self.twin, (2, 2): self.quad}
        return tuple(division for division, has in every.items() if has)

    @property
    def parts(self) -> int:
        """The most sums that a column makes at a time."""
        return max((lines * channels for lines, channels in self.divisions), default=1)

    @property
    def lines(self) -> int:
        """Lines of the OFM that a job may make at a time."""
        return max((lines for lines, _ in self.divisions), default=1)

    @property
    def channels(self) -> int:
        """Channels on which a column may work at a time."""
        return max((channels for _, channels in self.divisions), default=1)

    @property
    def place_bits(self) -> int:
        """Bits that number the places of the window."""
        return (self.places - 1).bit_length() if self.window > 1 else 0

    @property
    def chain(self) -> int:
        """Columns that share a requantizer, so the least number of cycles a pixel."""
        return self.columns // self.requantizers

    @property
    def word_address_bits(self) -> int:
        """Bits of a scratchpad word address."""
        return max(1, (self.scratchpad_words - 1).bit_length())

    @property
    def byte_address_bits(self) -> int:
        """Bits of a scratchpad byte address."""
        return self.word_address_bits + self.lane_bits

    @property
    def destination_bits(self) -> int:
        """Bits that number the memories a load can go to (see ``tail.destinations``)."""
        return (self.columns + self.requantizers + 2 + self.log_softmax).bit_length()

    @property
    def token_address_bits(self) -> int:
        """Bits of a token's address: a word of a weight bank, or a part of a parameter or table entry."""
        deepest = max(self.bank_depth, self.parameter_depth * self.parameter_parts)
        if self.vector_lanes:
            deepest = max(deepest, self.table_depth * self.table_parts)
        if self.softmax:
            deepest = max(deepest, 256 * self.softmax_tables * self.exponential_parts)
        if self.log_softmax:
            deepest = max(deepest, 512 * self.log_tables * self.exponential_parts)
        return (deepest - 1).bit_length()

    @property
    def parameter_bits(self) -> int:
        """Bits of a requantizer parameter entry: mantissa, offset, shift, half_away."""
        return self.mantissa_bits + self.offset_bits + self.shift_bits + 1

    @property
    def takes_bytes(self) -> bool:
        """Whether the core has any unit that takes one byte a token."""
        rows = self.softmax or self.log_softmax or self.l2_normalize or self.arg_max
        return self.mover or self.index or rows

    @property
    def lane_bits(self) -> int:
        """Bits that choose a byte of a word."""
        return (self.lanes - 1).bit_length()

    @property
    def offset_in_word_bits(self) -> int:
        """Bits that say where in the word fetched a token's bytes begin: none where it begins with them."""
        return 0 if self.unaligned else self.lane_bits

    @property
    def table_parts(self) -> int:
        """Scratchpad words that carry one table-sum entry when it is loaded."""
        return parts(self.table_bits, self.lanes)

    @property
    def exponential_parts(self) -> int:
        """Scratchpad words that carry one table entry of a softmax, or its logarithm, when it is loaded."""
        return parts(32, self.lanes)

    @property
    def parameter_parts(self) -> int:
        """Scratchpad words that carry one parameter entry when it is loaded (a power of two)."""
        return parts(self.parameter_bits, self.lanes)


def parts(bits: int, lanes: int) -> int:
    """Words of ``lanes`` bytes that carry an entry of ``bits``, rounded up to a power of two."""
    words = -(-bits // (8 * lanes))
    return 1 << (words - 1).bit_length()

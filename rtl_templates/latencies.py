"""How long a job's tokens and results are on their way: constants of a configuration."""

from __future__ import annotations

from collections.abc import Mapping

from .address import AddressGenerator
from .array import Array
from .byte_units import byte_drain
from .config import CoreConfig
from .isa import Kind
from .scratchpad import Scratchpad
from .table_sum import TableSum
from .vector_functions import VectorFunctions
from .writer import Writer


def fetch_latency(config: CoreConfig) -> int:
    """Cycles from a token's issue to column 0: address, scratchpad. Its word comes one cycle later."""
    return AddressGenerator.latency + Scratchpad.read_latency(config)


def drain(config: CoreConfig, *, parts: int = 1) -> Mapping[Kind, int]:
    """For each kind of job, cycles from its last token's issue to its last write at the scratchpad; of one
    that writes nothing, until its effect is there. ``parts``: of a MATRIX job that divides the lanes so.
    """
    fetch = fetch_latency(config)
    cycles = {
        Kind.MATRIX: fetch + Array.latency(config) + Array.leaves(config, parts) - 1 + Writer.latency,
        Kind.LOAD: fetch + config.columns + 4,
    }
    if config.copier:
        cycles[Kind.COPY] = fetch + 1
    if config.vector_lanes:
        cycles[Kind.TABLE] = fetch + 1 + TableSum.latency(config)
    if config.functions:
        cycles[Kind.FUNCTION] = fetch + 1 + VectorFunctions.latency(config)
    return cycles | {kind: fetch + 1 + behind for kind, behind in byte_drain(config).items()}


def taken(config: CoreConfig) -> Mapping[Kind, int]:
    """For each kind of job but LOAD, cycles from its first token's issue until it has taken over all back
    registers. One that writes gets to the writer then: the job before must have written everything.
    """
    fetch = fetch_latency(config)
    cycles = dict.fromkeys(drain(config), fetch + 1)
    cycles |= {Kind.MATRIX: fetch + Array.begin_latency(config), Kind.COPY: fetch}
    return {kind: each for kind, each in cycles.items() if kind != Kind.LOAD}

"""A core between two AXI4-Streams: an input packet in, an output packet out."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .config import CoreConfig
from .image import Image
from .inference import Inference, Tensors

SHORT, LONG = 0, 1
"""The bits of ``error``."""


class AxiStream(wiring.Signature):
    """A byte a beat, from the sender's side; a packet ends with ``tlast``."""

    def __init__(self) -> None:
        super().__init__({"tdata": Out(8), "tvalid": Out(1), "tready": In(1), "tlast": Out(1)})


class AxiStreamCore(wiring.Component):
    """Answers each packet of ``input_bytes`` bytes with one of ``output_bytes``.

    A packet that ends too early, or goes on too long, gets no answer: it sets ``error``, and the next one
    begins behind its ``tlast``. No input is taken until the answer before has left.

    Latency and throughput: see ``Inference``; a run begins 3 cycles behind the packet's last byte, or behind
    the padding that follows it.

    Parameters
    ----------
    config, image : as for ``Core``. tensors : where they lie.

    Members
    -------
    s_axis : In(AxiStream), inputs. m_axis : Out(AxiStream), outputs.
    s_weights : In(AxiStream), what has to be loaded after each reset; only where there is something. Its
        ``tlast`` is not looked at.
    busy : Out(1), no input is taken: resting, running, or the answer has not left.
    error : Out(2), a packet was too short (bit 0), or too long (bit 1), until ``clear_error``.
    clear_error : In(1).
    cycles : Out(32), of the last run.
    """

    TITLE = "The core between two AXI4-Streams: a packet of inputs in, a packet of outputs out."
    PORTS = {
        "s_axis_tdata": "a byte of the inputs",
        "s_axis_tvalid": "there is one",
        "s_axis_tready": "it is taken",
        "s_axis_tlast": "it is the last one of all inputs",
        "m_axis_tdata": "a byte of the outputs",
        "m_axis_tvalid": "there is one",
        "m_axis_tready": "it is taken",
        "m_axis_tlast": "it is the last one of all outputs",
        "s_weights_tdata": "a byte of the weights, which are to be loaded after each reset",
        "s_weights_tvalid": "there is one",
        "s_weights_tready": "it is taken",
        "s_weights_tlast": "not looked at",
        "busy": "no input is taken: resting after a reset, running, or the answer has not left",
        "error": "a packet was too short (bit 0) or too long (bit 1); stays until clear_error",
        "clear_error": "clears error",
        "cycles": "cycles of the last run",
    }

    def __init__(self, config: CoreConfig, image: Image, tensors: Tensors) -> None:
        self._inference = Inference(config, image, tensors)
        self._loads = bool(tensors.weights)
        weights = {"s_weights": In(AxiStream())} if self._loads else {}
        super().__init__({
            "s_axis": In(AxiStream()), "m_axis": Out(AxiStream()), **weights,
            "busy": Out(1), "error": Out(2), "clear_error": In(1), "cycles": Out(32),
        })  # fmt: skip

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.inference = inference = self._inference
        s, out = self.s_axis, inference.o
        if self._loads:
            m.d.comb += [
                inference.weights.payload.eq(self.s_weights.tdata),
                inference.weights.valid.eq(self.s_weights.tvalid),
                self.s_weights.tready.eq(inference.weights.ready),
            ]
        m.d.comb += [inference.i.payload.eq(s.tdata), self.cycles.eq(inference.cycles)]
        with m.If(self.clear_error):
            m.d.sync += self.error.eq(0)
        with m.FSM():
            with m.State("TAKE"):
                m.d.comb += [
                    self.busy.eq(inference.busy | ~inference.loaded),
                    inference.i.valid.eq(s.tvalid), s.tready.eq(inference.i.ready),
                ]  # fmt: skip
                with m.If(s.tvalid & s.tready):
                    with m.If(s.tlast & inference.last):
                        m.next = "RUN"
                    with m.Elif(s.tlast):
                        m.d.comb += inference.fill.eq(1)
                        m.d.sync += self.error[SHORT].eq(1)
                    with m.Elif(inference.last):
                        m.d.comb += inference.fill.eq(1)
                        m.d.sync += self.error[LONG].eq(1)
                        m.next = "SKIP"
            with m.State("SKIP"):
                m.d.comb += s.tready.eq(1)
                with m.If(s.tvalid & s.tlast):
                    m.next = "TAKE"
            with m.State("RUN"):
                m.d.comb += [self.busy.eq(1), inference.run.eq(inference.filled)]
                with m.If(inference.filled):
                    m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.comb += [
                    self.busy.eq(1),
                    self.m_axis.tvalid.eq(out.valid), out.ready.eq(self.m_axis.tready),
                    self.m_axis.tdata.eq(out.payload.data), self.m_axis.tlast.eq(out.payload.last),
                ]  # fmt: skip
                with m.If(out.valid & out.ready & out.payload.last):
                    m.d.comb += inference.fill.eq(1)
                    m.next = "TAKE"
        return m

"""The Verilog around a design in simulation: whole buffers of bytes go in and out at one poke each.

Python is called once for a buffer instead of once for a byte or a cycle; between the calls Verilator
runs at its own speed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

BUFFER_BYTES = 512
"""Bytes in each direction's buffer."""

TOP = "harness"

INPUTS = ("rst", "go", "feed_data", "feed_count", "want", "patience")
OUTPUTS = ("done", "fed", "take_data", "take_count")

PUBLIC = (*INPUTS, *OUTPUTS)
"""The harness's ports: all that Python touches. The clock is made inside: that is several times as fast
as one that cocotb drives."""

PERIOD_NS = 10
"""The clock's period in simulated time, whatever the real one is."""


class Design(Protocol):
    """What the harness can hold."""

    def instance(self) -> str:
        """Verilog that connects the design to the harness's two byte streams."""


@dataclass(frozen=True, kw_only=True)
class CoreDesign:
    """A bare core: ports clk, rst and the byte streams ``i`` and ``o``. ``name`` is its module's."""

    name: str

    def instance(self) -> str:
        """The streams go straight to the core."""
        return f"""
  {self.name} dut (
    .clk(clk), .rst(rst),
    .i__payload(i_payload), .i__valid(i_valid), .i__ready(i_ready),
    .o__payload(o_payload), .o__valid(o_valid), .o__ready(o_ready)
  );
"""


@dataclass(frozen=True, kw_only=True)
class FlashPins:
    """Names of the ports of a SPI flash. ``cs_low``: the flash is selected while ``cs`` is low, not high."""

    cs: str
    sck: str
    copi: str
    cipo: str
    cs_low: bool = True


SPI = FlashPins(cs="spi__cs", sck="spi__sck", copi="spi__copi", cipo="spi__cipo", cs_low=False)
"""Those of ``UartTop``."""


@dataclass(frozen=True, kw_only=True)
class UartDesign:
    """A board's top behind UART pins, ``divisor`` clock cycles a bit, 8N1.

    ``clk``, ``rst``, ``rx`` and ``tx`` are the names of its ports (``clk`` or ``rst`` None: it has none).
    ``flash`` : those of its flash, if it has one, which holds something from byte ``flash_address`` on.
    """

    name: str
    divisor: int
    clk: str | None = "clk"
    rst: str | None = "rst"
    rx: str = "rx"
    tx: str = "tx"
    flash: FlashPins | None = None
    flash_address: int = 0

    def instance(self) -> str:
        """A UART of the host's side stands between the streams and the pins."""
        ports = {self.clk: "clk", self.rst: "rst", self.rx: "rx", self.tx: "tx"}
        flash = ""
        if self.flash is not None:
            pins = self.flash
            ports |= {pins.cs: "cs", pins.sck: "sck", pins.copi: "copi", pins.cipo: "cipo"}
            flash = f"""
  wire cs, sck, copi, cipo;
  spi_flash #(.ADDRESS({self.flash_address})) flash (
    .cs_n({"cs" if pins.cs_low else "~cs"}), .sck(sck), .copi(copi), .cipo(cipo)
  );"""
        connections = ", ".join(f".{port}({wire})" for port, wire in ports.items() if port)
        return f"""
  wire rx, tx;
  host_uart #(.DIVISOR({self.divisor})) uart (
    .clk(clk), .rst(rst), .rx(tx), .tx(rx),
    .i_payload(i_payload), .i_valid(i_valid), .i_ready(i_ready),
    .o_payload(o_payload), .o_valid(o_valid), .o_ready(o_ready)
  );
{flash}
  {self.name} dut ({connections});
"""


def harness(design: Design) -> str:
    """The Verilog of the top, to be put beside the design's own.

    One operation: set the inputs, flip ``go`` and wait until ``done`` follows. It sends ``feed_count``
    bytes of ``feed_data`` (least significant first), then waits until ``take_count >= want`` bytes of
    ``take_data`` are there, or until it is full, or until ``patience`` cycles passed without a byte
    either way. ``fed`` is how many were sent. A new operation forgets the bytes that the last one left.
    """
    filled = _HARNESS.replace("@BYTES@", str(BUFFER_BYTES)).replace("@HALF@", str(PERIOD_NS // 2))
    return filled.replace("@DESIGN@", design.instance()) + _HOST_UART + spi_flash()


def spi_flash() -> str:
    """The Verilog of the flash: ``spi_flash``, which reads what it holds from a file of hex digits."""
    return Path(__file__).with_name("spi_flash.v").read_text()


def flash_file(contents: bytes, folder: Path) -> str:
    """The simulator's argument that fills its flash; it makes a file in ``folder``."""
    file = folder / "flash.hex"
    file.write_text(contents.hex("\n"))
    return f"+flash={file}"


_HARNESS = """
module harness (
  input rst, input go,
  input [8*@BYTES@-1:0] feed_data, input [15:0] feed_count, input [15:0] want, input [31:0] patience,
  output reg done, output reg [15:0] fed,
  output reg [8*@BYTES@-1:0] take_data, output reg [15:0] take_count
);
  reg clk = 0;
  always #@HALF@ clk = ~clk;

  wire i_ready, o_valid;
  wire [7:0] o_payload;
  reg going = 0;
  reg [31:0] silence = 0;
  initial begin done = 0; fed = 0; take_count = 0; end

  wire begins = go != done && !going;
  wire i_valid = going && fed != feed_count;
  wire [7:0] i_payload = feed_data[8*fed +: 8];
  wire [15:0] position = begins ? 0 : take_count;
  wire o_ready = position != @BYTES@;
  wire feeds = i_valid && i_ready;
  wire takes = o_valid && o_ready;
  wire answered = fed == feed_count && take_count >= want;
  always @(posedge clk) begin
    take_count <= position + takes;
    if (takes) take_data[8*position +: 8] <= o_payload;
    if (begins) fed <= 0; else fed <= fed + feeds;
    if (begins || feeds || takes) silence <= 0; else silence <= silence + 1;
    if (begins) going <= 1;
    else if (going && (answered || take_count == @BYTES@ || silence >= patience)) begin
      going <= 0;
      done <= go;
    end
  end
@DESIGN@endmodule
"""

_HOST_UART = """
module host_uart #(parameter DIVISOR = 1) (
  input clk, input rst, input rx, output reg tx,
  input [7:0] i_payload, input i_valid, output i_ready,
  output reg [7:0] o_payload, output reg o_valid, input o_ready
);
  reg [31:0] send_wait, receive_wait;
  reg [3:0] send_left, receive_left;
  reg [8:0] send_bits;
  initial begin tx = 1; o_valid = 0; send_left = 0; receive_left = 0; end
  assign i_ready = send_left == 0;
  always @(posedge clk)
    if (rst) begin tx <= 1; send_left <= 0; end
    else if (send_left == 0) begin
      if (i_valid) begin
        tx <= 0;  // start bit; data and stop bit follow
        send_bits <= {1'b1, i_payload};
        send_left <= 10;
        send_wait <= DIVISOR - 1;
      end
    end else if (send_wait != 0) send_wait <= send_wait - 1;
    else begin
      {send_bits, tx} <= {1'b1, send_bits};
      send_left <= send_left - 1;
      send_wait <= DIVISOR - 1;
    end

  always @(posedge clk) begin
    o_valid <= 0;  // a line has no back-pressure: a byte that is not taken is lost
    if (rst) receive_left <= 0;
    else if (receive_left == 0) begin
      if (!rx) begin
        receive_left <= 10;
        receive_wait <= DIVISOR / 2;
      end
    end else if (receive_wait != 0) receive_wait <= receive_wait - 1;
    else begin
      receive_left <= receive_left - 1;
      receive_wait <= DIVISOR - 1;
      if (receive_left > 1) o_payload <= {rx, o_payload[7:1]};  // the start bit is shifted out again
      else o_valid <= rx;
    end
  end
endmodule
"""

// A SPI flash as a board has it beside an iCE40, mode 0. It begins in power-down, where the chip leaves it behind
// the bitstream: WAKE_UP (AB) ends that, WAKE_NS after it is deselected. READ (03) is its only other command.
// What a real one leaves open is no answer either: while it has nothing to say, cipo is noise.
module spi_flash #(parameter ADDRESS = 0, parameter WAKE_NS = 35000) (
  input cs_n, input sck, input copi, output reg cipo
);
  localparam SIZE = 1 << 18;
  reg [7:0] memory [0:SIZE-1];
  reg [8*4096-1:0] file;
  integer n;
  initial begin
    for (n = 0; n < SIZE; n = n + 1) memory[n] = 8'hff;
    if ($value$plusargs("flash=%s", file)) $readmemh(file, memory);
  end

  reg awake = 0, waking = 0, reading = 0;
  reg [63:0] since = 0;
  reg [5:0] taken = 0;
  reg [31:0] shift = 0;
  reg [23:0] start = 0, offset = 0;
  reg [2:0] bit_number = 0;
  reg [7:0] noise = 1;
  wire [23:0] place = start + offset - ADDRESS;
  wire [7:0] data = place < SIZE ? memory[place[17:0]] : 8'hff;
  wire up = awake || (waking && $time - since >= WAKE_NS);
  initial cipo = 0;

  always @(posedge sck or posedge cs_n)
    if (cs_n) begin
      if (taken == 8 && shift[7:0] == 8'hab) begin waking <= 1; since <= $time; end
      taken <= 0;
      reading <= 0;
    end else if (!reading) begin
      shift <= {shift[30:0], copi};
      if (taken != 40) taken <= taken + 1;
      if (taken == 31 && up && shift[30:23] == 8'h03) begin
        awake <= 1;
        reading <= 1;
        start <= {shift[22:0], copi};
      end
    end

  always @(negedge sck) begin
    noise <= {noise[6:0], noise[7] ^ noise[5] ^ noise[4] ^ noise[3]};
    if (reading && !cs_n) begin
      cipo <= data[7 - bit_number];
      bit_number <= bit_number + 1;
      offset <= offset + (bit_number == 7);
    end else begin
      cipo <= noise[0];
      bit_number <= 0;
      offset <= 0;
    end
  end
endmodule

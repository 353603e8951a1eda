// A digit for the network between two AXI4-Streams, and the ten scores that it answers: docs/core.md.
`timescale 1ns/1ns
module tb;
  reg clk = 0, rst = 1;
  always #5 clk = ~clk;

  reg [7:0] image [0:63];
  initial $readmemh("digit.hex", image);

  reg [6:0] sent = 0;
  wire ready, valid, last;
  wire [7:0] score;
  digits_int8_axi_stream network (
    .clk(clk), .rst(rst),
    .s_axis_tdata(image[sent[5:0]]), .s_axis_tvalid(sent != 64), .s_axis_tlast(sent == 63),
    .s_axis_tready(ready),
    .m_axis_tdata(score), .m_axis_tvalid(valid), .m_axis_tlast(last), .m_axis_tready(1'b1),
    .busy(), .error(), .clear_error(1'b0), .cycles()
  );

  always @(posedge clk) begin
    rst <= 0;
    if (sent != 64 && ready) sent <= sent + 1;
    if (valid) $display("%0d", $signed(score));
    if (valid && last) $finish;
  end
endmodule

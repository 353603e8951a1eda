// What Yosys's simulation models of the ECP5 leave out or have as black boxes alone.
// A parameter or a use that a model does not implement stops the build of the simulator, or the simulation.
// ``mends`` settles open pins and the parameters that invert a pin or tie it.

// Block RAM of 1024 words of 18 bits. DATA_WIDTH_A = 36 makes A the write port and B the read port of 512
// words. Where both ports touch a word at once, a read sees the old one: a design must not depend on it.
module DP16KD (
  input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9,
  input DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0,
  input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7,
  input ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
  input CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
  input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9,
  input DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
  input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7,
  input ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
  input CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
  output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9,
  output DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0,
  output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9,
  output DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
);
  parameter DATA_WIDTH_A = 18;
  parameter DATA_WIDTH_B = 18;
  parameter REGMODE_A = "NOREG";
  parameter REGMODE_B = "NOREG";
  parameter RESETMODE = "SYNC";
  parameter ASYNC_RESET_RELEASE = "SYNC";
  parameter CSDECODE_A = "0b000";
  parameter CSDECODE_B = "0b000";
  parameter WRITEMODE_A = "NORMAL";
  parameter WRITEMODE_B = "NORMAL";
  parameter CLKAMUX = "CLKA";
  parameter CLKBMUX = "CLKB";
  parameter WID = 0;
  parameter GSR = "ENABLED";
  parameter INIT_DATA = "STATIC";
  parameter [319:0] INITVAL_00 = 320'd0;
  parameter [319:0] INITVAL_01 = 320'd0;
  parameter [319:0] INITVAL_02 = 320'd0;
  parameter [319:0] INITVAL_03 = 320'd0;
  parameter [319:0] INITVAL_04 = 320'd0;
  parameter [319:0] INITVAL_05 = 320'd0;
  parameter [319:0] INITVAL_06 = 320'd0;
  parameter [319:0] INITVAL_07 = 320'd0;
  parameter [319:0] INITVAL_08 = 320'd0;
  parameter [319:0] INITVAL_09 = 320'd0;
  parameter [319:0] INITVAL_0A = 320'd0;
  parameter [319:0] INITVAL_0B = 320'd0;
  parameter [319:0] INITVAL_0C = 320'd0;
  parameter [319:0] INITVAL_0D = 320'd0;
  parameter [319:0] INITVAL_0E = 320'd0;
  parameter [319:0] INITVAL_0F = 320'd0;
  parameter [319:0] INITVAL_10 = 320'd0;
  parameter [319:0] INITVAL_11 = 320'd0;
  parameter [319:0] INITVAL_12 = 320'd0;
  parameter [319:0] INITVAL_13 = 320'd0;
  parameter [319:0] INITVAL_14 = 320'd0;
  parameter [319:0] INITVAL_15 = 320'd0;
  parameter [319:0] INITVAL_16 = 320'd0;
  parameter [319:0] INITVAL_17 = 320'd0;
  parameter [319:0] INITVAL_18 = 320'd0;
  parameter [319:0] INITVAL_19 = 320'd0;
  parameter [319:0] INITVAL_1A = 320'd0;
  parameter [319:0] INITVAL_1B = 320'd0;
  parameter [319:0] INITVAL_1C = 320'd0;
  parameter [319:0] INITVAL_1D = 320'd0;
  parameter [319:0] INITVAL_1E = 320'd0;
  parameter [319:0] INITVAL_1F = 320'd0;
  parameter [319:0] INITVAL_20 = 320'd0;
  parameter [319:0] INITVAL_21 = 320'd0;
  parameter [319:0] INITVAL_22 = 320'd0;
  parameter [319:0] INITVAL_23 = 320'd0;
  parameter [319:0] INITVAL_24 = 320'd0;
  parameter [319:0] INITVAL_25 = 320'd0;
  parameter [319:0] INITVAL_26 = 320'd0;
  parameter [319:0] INITVAL_27 = 320'd0;
  parameter [319:0] INITVAL_28 = 320'd0;
  parameter [319:0] INITVAL_29 = 320'd0;
  parameter [319:0] INITVAL_2A = 320'd0;
  parameter [319:0] INITVAL_2B = 320'd0;
  parameter [319:0] INITVAL_2C = 320'd0;
  parameter [319:0] INITVAL_2D = 320'd0;
  parameter [319:0] INITVAL_2E = 320'd0;
  parameter [319:0] INITVAL_2F = 320'd0;
  parameter [319:0] INITVAL_30 = 320'd0;
  parameter [319:0] INITVAL_31 = 320'd0;
  parameter [319:0] INITVAL_32 = 320'd0;
  parameter [319:0] INITVAL_33 = 320'd0;
  parameter [319:0] INITVAL_34 = 320'd0;
  parameter [319:0] INITVAL_35 = 320'd0;
  parameter [319:0] INITVAL_36 = 320'd0;
  parameter [319:0] INITVAL_37 = 320'd0;
  parameter [319:0] INITVAL_38 = 320'd0;
  parameter [319:0] INITVAL_39 = 320'd0;
  parameter [319:0] INITVAL_3A = 320'd0;
  parameter [319:0] INITVAL_3B = 320'd0;
  parameter [319:0] INITVAL_3C = 320'd0;
  parameter [319:0] INITVAL_3D = 320'd0;
  parameter [319:0] INITVAL_3E = 320'd0;
  parameter [319:0] INITVAL_3F = 320'd0;
  localparam [20479:0] INITIAL = {
    INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A,
    INITVAL_39, INITVAL_38, INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34,
    INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30, INITVAL_2F, INITVAL_2E,
    INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
    INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22,
    INITVAL_21, INITVAL_20, INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C,
    INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18, INITVAL_17, INITVAL_16,
    INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
    INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A,
    INITVAL_09, INITVAL_08, INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04,
    INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00};
  localparam WIDE = DATA_WIDTH_A == 36;
  generate
    if (WIDE ? DATA_WIDTH_B != 36 : DATA_WIDTH_A == 36 || DATA_WIDTH_B == 36)
      $error("DP16KD: a port of 36 bits is modelled only with another of 36");
    if (WIDE && (REGMODE_A != "NOREG" || REGMODE_B != "NOREG"))
      $error("DP16KD: output registers of 36 bits are not modelled");
    if (CSDECODE_A != "0b000" || CSDECODE_B != "0b000" || CLKAMUX != "CLKA" || CLKBMUX != "CLKB")
      $error("DP16KD: CSDECODE other than 0b000 and inverted clocks are not modelled");
    if (INIT_DATA != "STATIC") $error("DP16KD: INIT_DATA must be STATIC");
  endgenerate

  reg [17:0] memory [0:1023];
  integer n;
  initial for (n = 0; n < 1024; n = n + 1) memory[n] = INITIAL[20 * n +: 18];

  wire [13:0] address_a = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7,
    ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
  wire [13:0] address_b = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7,
    ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
  wire [17:0] data_a = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9,
    DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
  wire [17:0] data_b = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9,
    DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};
  wire chosen_a = CEA && {CSA2, CSA1, CSA0} == 0;
  wire chosen_b = CEB && {CSB2, CSB1, CSB0} == 0;
  always @(posedge CLKA) if (RSTA) $fatal(1, "DP16KD: resets are not modelled");
  always @(posedge CLKB) if (RSTB) $fatal(1, "DP16KD: resets are not modelled");

  generate
    if (WIDE) begin : wide
      reg [35:0] read;
      wire [35:0] data = {data_b, data_a};
      wire [9:0] word = {address_a[13:5], 1'b0};
      always @(posedge CLKA)
        if (chosen_a && WEA) begin
          if (address_a[0]) memory[word][8:0] <= data[8:0];
          if (address_a[1]) memory[word][17:9] <= data[17:9];
          if (address_a[2]) memory[word | 1][8:0] <= data[26:18];
          if (address_a[3]) memory[word | 1][17:9] <= data[35:27];
        end
      always @(posedge CLKB)
        if (chosen_b) read <= {memory[{address_b[13:5], 1'b1}], memory[{address_b[13:5], 1'b0}]};
      always @(posedge CLKB) if (chosen_b && WEB) $fatal(1, "DP16KD: port B of 36 bits cannot write");
      assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9,
        DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0,
        DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9,
        DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0} = read;
    end else begin : narrow
      wire [17:0] mask_a, mask_b, spread_a, spread_b;
      dp16kd_port #(.WIDTH(DATA_WIDTH_A), .REGMODE(REGMODE_A), .WRITEMODE(WRITEMODE_A)) a (
        .clock(CLKA), .enable(chosen_a), .write(WEA), .output_enable(OCEA),
        .address(address_a), .data(data_a), .stored(memory[address_a[13:4]]), .mask(mask_a), .spread(spread_a),
        .read({DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9,
              DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0})
      );
      dp16kd_port #(.WIDTH(DATA_WIDTH_B), .REGMODE(REGMODE_B), .WRITEMODE(WRITEMODE_B)) b (
        .clock(CLKB), .enable(chosen_b), .write(WEB), .output_enable(OCEB),
        .address(address_b), .data(data_b), .stored(memory[address_b[13:4]]), .mask(mask_b), .spread(spread_b),
        .read({DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9,
              DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0})
      );
      integer i;
      always @(posedge CLKA)
        if (chosen_a && WEA)
          for (i = 0; i < 18; i = i + 1) if (mask_a[i]) memory[address_a[13:4]][i] <= spread_a[i];
      integer j;
      always @(posedge CLKB)
        if (chosen_b && WEB)
          for (j = 0; j < 18; j = j + 1) if (mask_b[j]) memory[address_b[13:4]][j] <= spread_b[j];
    end
  endgenerate
endmodule

// One port of up to 18 bits: where its bits lie in the word of 18, what is written there, what is read.
module dp16kd_port (
  input clock, enable, write, output_enable,
  input [13:0] address,
  input [17:0] data, stored,
  output [17:0] read, mask, spread
);
  parameter WIDTH = 18;
  parameter REGMODE = "NOREG";
  parameter WRITEMODE = "NORMAL";
  generate
    if (WIDTH != 1 && WIDTH != 2 && WIDTH != 4 && WIDTH != 9 && WIDTH != 18)
      $error("DP16KD: DATA_WIDTH must be 1, 2, 4, 9, 18 or 36");
    if (REGMODE != "NOREG" && REGMODE != "OUTREG") $error("DP16KD: REGMODE must be NOREG or OUTREG");
    if (WRITEMODE != "NORMAL" && WRITEMODE != "WRITETHROUGH" && WRITEMODE != "READBEFOREWRITE")
      $error("DP16KD: WRITEMODE must be NORMAL, WRITETHROUGH or READBEFOREWRITE");
  endgenerate
  // narrower ports than 9 bits do not reach the ninth bit of a byte
  wire [4:0] first = WIDTH == 18 ? 0 : (address[3] ? 9 : 0)
    + (WIDTH == 4 ? {address[2], 2'b00} : WIDTH == 2 ? {address[2:1], 1'b0} : WIDTH == 1 ? address[2:0] : 0);
  wire [17:0] ones = 18'h3ffff >> (18 - WIDTH);
  assign mask = WIDTH == 18 ? {{9{address[1]}}, {9{address[0]}}} : ones << first;
  assign spread = data << first;
  wire [17:0] written = (stored & ~mask) | (spread & mask);
  reg [17:0] latch;
  reg [17:0] out;
  always @(posedge clock)
    if (enable) begin
      if (!write || WRITEMODE == "READBEFOREWRITE") latch <= (stored >> first) & ones;
      else if (WRITEMODE == "WRITETHROUGH") latch <= (written >> first) & ones;
    end
  always @(posedge clock) if (output_enable) out <= latch;
  assign read = REGMODE == "OUTREG" ? out : latch;
endmodule

// Multiplier of 18 by 18 bits; each of its registers is there (clock CLK0, CE0, RST0) or not.
module MULT18X18D (
  input A17, A16, A15, A14, A13, A12, A11, A10, A9,
  input A8, A7, A6, A5, A4, A3, A2, A1, A0,
  input B17, B16, B15, B14, B13, B12, B11, B10, B9,
  input B8, B7, B6, B5, B4, B3, B2, B1, B0,
  input C17, C16, C15, C14, C13, C12, C11, C10, C9,
  input C8, C7, C6, C5, C4, C3, C2, C1, C0,
  input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
  input CLK3, CLK2, CLK1, CLK0, CE3, CE2, CE1, CE0, RST3, RST2, RST1, RST0,
  input SRIA17, SRIA16, SRIA15, SRIA14, SRIA13, SRIA12, SRIA11, SRIA10, SRIA9,
  input SRIA8, SRIA7, SRIA6, SRIA5, SRIA4, SRIA3, SRIA2, SRIA1, SRIA0,
  input SRIB17, SRIB16, SRIB15, SRIB14, SRIB13, SRIB12, SRIB11, SRIB10, SRIB9,
  input SRIB8, SRIB7, SRIB6, SRIB5, SRIB4, SRIB3, SRIB2, SRIB1, SRIB0,
  output SROA17, SROA16, SROA15, SROA14, SROA13, SROA12, SROA11, SROA10, SROA9,
  output SROA8, SROA7, SROA6, SROA5, SROA4, SROA3, SROA2, SROA1, SROA0,
  output SROB17, SROB16, SROB15, SROB14, SROB13, SROB12, SROB11, SROB10, SROB9,
  output SROB8, SROB7, SROB6, SROB5, SROB4, SROB3, SROB2, SROB1, SROB0,
  output ROA17, ROA16, ROA15, ROA14, ROA13, ROA12, ROA11, ROA10, ROA9,
  output ROA8, ROA7, ROA6, ROA5, ROA4, ROA3, ROA2, ROA1, ROA0,
  output ROB17, ROB16, ROB15, ROB14, ROB13, ROB12, ROB11, ROB10, ROB9,
  output ROB8, ROB7, ROB6, ROB5, ROB4, ROB3, ROB2, ROB1, ROB0,
  output ROC17, ROC16, ROC15, ROC14, ROC13, ROC12, ROC11, ROC10, ROC9,
  output ROC8, ROC7, ROC6, ROC5, ROC4, ROC3, ROC2, ROC1, ROC0,
  output P35, P34, P33, P32, P31, P30, P29, P28, P27,
  output P26, P25, P24, P23, P22, P21, P20, P19, P18,
  output P17, P16, P15, P14, P13, P12, P11, P10, P9,
  output P8, P7, P6, P5, P4, P3, P2, P1, P0,
  output SIGNEDP
);
  parameter REG_INPUTA_CLK = "NONE";
  parameter REG_INPUTA_CE = "CE0";
  parameter REG_INPUTA_RST = "RST0";
  parameter REG_INPUTB_CLK = "NONE";
  parameter REG_INPUTB_CE = "CE0";
  parameter REG_INPUTB_RST = "RST0";
  parameter REG_INPUTC_CLK = "NONE";
  parameter REG_INPUTC_CE = "CE0";
  parameter REG_INPUTC_RST = "RST0";
  parameter REG_PIPELINE_CLK = "NONE";
  parameter REG_PIPELINE_CE = "CE0";
  parameter REG_PIPELINE_RST = "RST0";
  parameter REG_OUTPUT_CLK = "NONE";
  parameter REG_OUTPUT_CE = "CE0";
  parameter REG_OUTPUT_RST = "RST0";
  parameter CLK0_DIV = "ENABLED";
  parameter CLK1_DIV = "ENABLED";
  parameter CLK2_DIV = "ENABLED";
  parameter CLK3_DIV = "ENABLED";
  parameter HIGHSPEED_CLK = "NONE";
  parameter GSR = "ENABLED";
  parameter CAS_MATCH_REG = "FALSE";
  parameter SOURCEB_MODE = "B_SHIFT";
  parameter MULT_BYPASS = "DISABLED";
  parameter RESETMODE = "SYNC";
  generate
    if (SOURCEB_MODE != "B_SHIFT" || MULT_BYPASS != "DISABLED" || CAS_MATCH_REG != "FALSE")
      $error("MULT18X18D: SOURCEB_MODE, MULT_BYPASS and CAS_MATCH_REG are not modelled");
    if (RESETMODE != "SYNC" || HIGHSPEED_CLK != "NONE" || REG_INPUTC_CLK != "NONE" || CLK0_DIV != "ENABLED")
      $error("MULT18X18D: RESETMODE, HIGHSPEED_CLK, REG_INPUTC_CLK and CLK0_DIV are not modelled");
  endgenerate
  always @(posedge CLK0) if (SOURCEA || SOURCEB) $fatal(1, "MULT18X18D: SOURCEA and SOURCEB must be 0");
  wire signed [18:0] a, b;
  wire signed [37:0] product = a * b;
  wire [35:0] piped, p;
  mult18_register #(.WIDTH(19), .CLK(REG_INPUTA_CLK), .CE(REG_INPUTA_CE), .RST(REG_INPUTA_RST)) input_a (
    .clock(CLK0), .enable(CE0), .reset(RST0), .out(a),
    .in({SIGNEDA & A17, A17, A16, A15, A14, A13, A12, A11, A10, A9,
         A8, A7, A6, A5, A4, A3, A2, A1, A0})
  );
  mult18_register #(.WIDTH(19), .CLK(REG_INPUTB_CLK), .CE(REG_INPUTB_CE), .RST(REG_INPUTB_RST)) input_b (
    .clock(CLK0), .enable(CE0), .reset(RST0), .out(b),
    .in({SIGNEDB & B17, B17, B16, B15, B14, B13, B12, B11, B10, B9,
         B8, B7, B6, B5, B4, B3, B2, B1, B0})
  );
  mult18_register #(.WIDTH(36), .CLK(REG_PIPELINE_CLK), .CE(REG_PIPELINE_CE), .RST(REG_PIPELINE_RST)) pipeline (
    .clock(CLK0), .enable(CE0), .reset(RST0), .out(piped), .in(product[35:0])
  );
  mult18_register #(.WIDTH(36), .CLK(REG_OUTPUT_CLK), .CE(REG_OUTPUT_CE), .RST(REG_OUTPUT_RST)) result (
    .clock(CLK0), .enable(CE0), .reset(RST0), .out(p), .in(piped)
  );
  assign {P35, P34, P33, P32, P31, P30, P29, P28, P27,
          P26, P25, P24, P23, P22, P21, P20, P19, P18,
          P17, P16, P15, P14, P13, P12, P11, P10, P9,
          P8, P7, P6, P5, P4, P3, P2, P1, P0} = p;
endmodule

module mult18_register (clock, enable, reset, in, out);
  parameter WIDTH = 36;
  parameter CLK = "NONE";
  parameter CE = "CE0";
  parameter RST = "RST0";
  input clock, enable, reset;
  input [WIDTH-1:0] in;
  output [WIDTH-1:0] out;
  generate
    if (CLK == "NONE") assign out = in;
    else begin
      if (CLK != "CLK0" || CE != "CE0" || RST != "RST0")
        $error("MULT18X18D: registers are modelled with CLK0, CE0 and RST0 alone");
      reg [WIDTH-1:0] q;
      assign out = q;
      always @(posedge clock)
        if (reset) q <= 0;
        else if (enable) q <= in;
    end
  endgenerate
endmodule

// Stand-in for the PLL: the clock goes through as it is, LOCK follows after some cycles.
module EHXPLLL (
  input CLKI, CLKFB, PHASESEL1, PHASESEL0, PHASEDIR, PHASESTEP, PHASELOADREG, STDBY, PLLWAKESYNC, RST,
  input ENCLKOP, ENCLKOS, ENCLKOS2, ENCLKOS3,
  output CLKOP, CLKOS, CLKOS2, CLKOS3, LOCK, INTLOCK, REFCLK, CLKINTFB
);
  parameter CLKI_DIV = 1;
  parameter CLKFB_DIV = 1;
  parameter CLKOP_DIV = 8;
  parameter CLKOS_DIV = 8;
  parameter CLKOS2_DIV = 8;
  parameter CLKOS3_DIV = 8;
  parameter CLKOP_ENABLE = "ENABLED";
  parameter CLKOS_ENABLE = "DISABLED";
  parameter CLKOS2_ENABLE = "DISABLED";
  parameter CLKOS3_ENABLE = "DISABLED";
  parameter CLKOP_CPHASE = 0;
  parameter CLKOS_CPHASE = 0;
  parameter CLKOS2_CPHASE = 0;
  parameter CLKOS3_CPHASE = 0;
  parameter CLKOP_FPHASE = 0;
  parameter CLKOS_FPHASE = 0;
  parameter CLKOS2_FPHASE = 0;
  parameter CLKOS3_FPHASE = 0;
  parameter FEEDBK_PATH = "CLKOP";
  parameter CLKOP_TRIM_POL = "RISING";
  parameter CLKOP_TRIM_DELAY = 0;
  parameter CLKOS_TRIM_POL = "RISING";
  parameter CLKOS_TRIM_DELAY = 0;
  parameter OUTDIVIDER_MUXA = "DIVA";
  parameter OUTDIVIDER_MUXB = "DIVB";
  parameter OUTDIVIDER_MUXC = "DIVC";
  parameter OUTDIVIDER_MUXD = "DIVD";
  parameter PLL_LOCK_MODE = 0;
  parameter PLL_LOCK_DELAY = 200;
  parameter STDBY_ENABLE = "DISABLED";
  parameter REFIN_RESET = "DISABLED";
  parameter SYNC_ENABLE = "DISABLED";
  parameter INT_LOCK_STICKY = "ENABLED";
  parameter DPHASE_SOURCE = "DISABLED";
  parameter PLLRST_ENA = "DISABLED";
  parameter INTFB_WAKE = "DISABLED";
  reg [4:0] count = 0;
  assign LOCK = count[4];
  assign CLKOP = CLKI;
  always @(posedge CLKI) if (!LOCK) count <= count + 1;
  generate
    if (FEEDBK_PATH != "CLKOP" || CLKOS_ENABLE != "DISABLED"
        || CLKOS2_ENABLE != "DISABLED" || CLKOS3_ENABLE != "DISABLED")
      $error("EHXPLLL: only CLKOP, fed back, is modelled");
  endgenerate
endmodule

// Stand-in for the internal oscillator: a clock as fast as the bench's own, whatever the divider is.
module OSCG (output OSC);
  parameter DIV = 128;
  reg clock = 0;
  always #`OSCILLATOR_HALF clock = ~clock;
  assign OSC = clock;
endmodule

module IB (input I, output O);
  assign O = I;
endmodule

module OB (input I, output O);
  assign O = I;
endmodule

module OBZ (input I, T, output O);
  assign O = T ? 1'b1 : I;
endmodule

module DCCA (input CLKI, CE, output CLKO);
  assign CLKO = CLKI & CE;
endmodule

// Pads. ``netlist`` makes one of these of a TRELLIS_IO, by its DIR: simulators do not like an inout that is none.
module TRELLIS_INPUT (input B, I, T, IOLDO, IOLTO, output O);
  parameter DIR = "INPUT";
  parameter DATAMUX_ODDR = "PADDO";
  parameter DATAMUX_OREG = "PADDO";
  parameter DATAMUX_MDDR = "PADDO";
  parameter TRIMUX_TSREG = "PADDT";
  assign O = B;
endmodule

module TRELLIS_OUTPUT (output B, input I, T, IOLDO, IOLTO, output O);
  parameter DIR = "OUTPUT";
  parameter DATAMUX_ODDR = "PADDO";
  parameter DATAMUX_OREG = "PADDO";
  parameter DATAMUX_MDDR = "PADDO";
  parameter TRIMUX_TSREG = "PADDT";
  assign B = T ? 1'b1 : I;  // pulled up where it is not driven
  assign O = B;
  generate
    if (DATAMUX_ODDR != "PADDO" || DATAMUX_OREG != "PADDO" || DATAMUX_MDDR != "PADDO"
        || TRIMUX_TSREG != "PADDT")
      $error("TRELLIS_IO: registers in the pad are not modelled");
  endgenerate
endmodule

// Flip-flop, as Yosys writes it (data on DI) and as nextpnr packs it (on M where SD is "0").
module TRELLIS_FF (input CLK, LSR, CE, DI, M, output reg Q);
  parameter GSR = "ENABLED";
  parameter CEMUX = "1";
  parameter CLKMUX = "CLK";
  parameter LSRMUX = "LSR";
  parameter SRMODE = "LSR_OVER_CE";
  parameter REGSET = "RESET";
  parameter LSRMODE = "LSR";
  parameter SD = "1";
  localparam value = REGSET == "SET";
  wire data, enable, reset, clock;
  generate
    if (SD == "0") assign data = M; else assign data = DI;
    if (CEMUX == "1") assign enable = 1'b1;
    else if (CEMUX == "0") assign enable = 1'b0;
    else if (CEMUX == "INV") assign enable = ~CE;
    else assign enable = CE;
    if (LSRMUX == "INV") assign reset = ~LSR; else assign reset = LSR;
    if (CLKMUX == "INV") assign clock = ~CLK; else assign clock = CLK;
    if (LSRMODE != "LSR") $error("TRELLIS_FF: LSRMODE must be LSR");
    if (SRMODE == "ASYNC") begin
      always @(posedge clock, posedge reset)
        if (reset) Q <= value;
        else if (enable) Q <= data;
    end else if (SRMODE == "LSR_OVER_CE") begin
      always @(posedge clock)
        if (reset) Q <= value;
        else if (enable) Q <= data;
    end else $error("TRELLIS_FF: SRMODE must be LSR_OVER_CE or ASYNC");
  endgenerate
  initial Q = value;
endmodule

// As Yosys's, but an expression that compiles in less time.
module LUT4 (input A, B, C, D, output Z);
  parameter [15:0] INIT = 16'h0;
  assign Z = INIT[{D, C, B, A}];
endmodule

module LUT2 (input A, B, output Z);
  parameter [3:0] INIT = 4'h0;
  assign Z = INIT[{B, A}];
endmodule

// nextpnr's half of a slice: a LUT with the multiplexer behind it, half a CCU2C, or a bit of distributed RAM.
module TRELLIS_COMB (
  input A, B, C, D, M, FCI, F1, FXA, FXB, WD, WAD0, WAD1, WAD2, WAD3, WRE, WCK, DI0, DI1,
  output F, FCO, OFX
);
  parameter MODE = "LOGIC";
  parameter [15:0] INITVAL = 16'h0;
  parameter CCU2_INJECT1 = "NO";
  parameter WREMUX = "WRE";
  parameter WCKMUX = "WCK";
  parameter [0:0] IS_Z1 = 1'b0;
  wire lut = INITVAL[{D, C, B, A}];
  generate
    if (MODE == "LOGIC") begin
      assign F = lut;
    end else if (MODE == "CCU2") begin
      wire generated = CCU2_INJECT1 == "YES" ? 1'b0 : INITVAL[{B, A}];
      assign F = CCU2_INJECT1 == "YES" ? lut : lut ^ FCI;
      assign FCO = lut ? FCI : generated;
    end else if (MODE == "DPRAM") begin
      reg [15:0] memory;
      integer n;
      // the LUT's address is {D, C, B, A}, the memory's {A, C, B, D}
      initial for (n = 0; n < 16; n = n + 1) memory[{n[0], n[2], n[1], n[3]}] = INITVAL[n];
      assign F = memory[{A, C, B, D}];
      wire enable = WREMUX == "1" ? 1'b1 : WREMUX == "0" ? 1'b0 : WREMUX == "INV" ? ~WRE : WRE;
      always @(posedge WCK) if (enable) memory[{WAD3, WAD2, WAD1, WAD0}] <= WD;
      if (WCKMUX != "WCK") $error("TRELLIS_COMB: WCKMUX must be WCK");
    end else if (MODE != "RAMW_BLOCK") $error("TRELLIS_COMB: MODE must be LOGIC, CCU2, DPRAM or RAMW_BLOCK");
    if (IS_Z1) assign OFX = M ? FXB : FXA;
    else assign OFX = M ? F1 : F;
  endgenerate
endmodule

// nextpnr's wires from a slice's inputs to the write side of distributed RAM.
module TRELLIS_RAMW (
  input A0, B0, C0, D0, A1, B1, C1, D1,
  output WDO0, WDO1, WDO2, WDO3, WADO0, WADO1, WADO2, WADO3
);
  assign {WADO3, WADO2, WADO1, WADO0} = {A0, C0, B0, D0};
  assign {WDO3, WDO2, WDO1, WDO0} = {B1, D1, A1, C1};
endmodule

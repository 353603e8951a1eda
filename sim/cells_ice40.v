// What Yosys's simulation models of the iCE40 leave out, or what a two-valued simulator does better with.
// A parameter or a use that a model does not implement stops the build of the simulator, or the simulation.
// Pins that a netlist leaves open are tied by ``mends`` to what the chip has there.

// A pad: plain input, plain output, or output with enable. No registers, no latch.
module SB_IO (
  inout PACKAGE_PIN,
  input LATCH_INPUT_VALUE, CLOCK_ENABLE, INPUT_CLK, OUTPUT_CLK, OUTPUT_ENABLE, D_OUT_0, D_OUT_1,
  output D_IN_0, D_IN_1
);
  parameter [5:0] PIN_TYPE = 6'b000000;
  parameter PULLUP = 1'b0;
  parameter [0:0] NEG_TRIGGER = 1'b0;
  parameter IO_STANDARD = "SB_LVCMOS";
  assign D_IN_0 = PACKAGE_PIN;
  assign D_IN_1 = 1'bx;
  generate
    if (PIN_TYPE[1:0] != 2'b01) $error("SB_IO: only plain inputs are modelled");
    if (PIN_TYPE[5:2] == 4'b1010) assign PACKAGE_PIN = OUTPUT_ENABLE ? D_OUT_0 : 1'bz;
    else if (PIN_TYPE[5:2] == 4'b0110) assign PACKAGE_PIN = D_OUT_0;
    else if (PIN_TYPE[5:4] != 2'b00) $error("SB_IO: only plain outputs are modelled");
  endgenerate
endmodule

// Stand-in for a PLL: the clock goes through as it is, LOCK follows after some cycles.
module lock_counter (input clock, input resetb, output lock);
  reg [4:0] count = 0;
  assign lock = count[4];
  always @(posedge clock)
    if (!resetb) count <= 0;
    else if (!lock) count <= count + 1;
endmodule

module SB_PLL40_PAD (
  input PACKAGEPIN, EXTFEEDBACK, BYPASS, RESETB, LATCHINPUTVALUE, SDI, SCLK,
  input [7:0] DYNAMICDELAY,
  output PLLOUTCORE, PLLOUTGLOBAL, LOCK, SDO
);
  parameter FEEDBACK_PATH = "SIMPLE";
  parameter DELAY_ADJUSTMENT_MODE_FEEDBACK = "FIXED";
  parameter DELAY_ADJUSTMENT_MODE_RELATIVE = "FIXED";
  parameter SHIFTREG_DIV_MODE = 1'b0;
  parameter FDA_FEEDBACK = 4'b0000;
  parameter FDA_RELATIVE = 4'b0000;
  parameter PLLOUT_SELECT = "GENCLK";
  parameter DIVR = 4'b0000;
  parameter DIVF = 7'b0000000;
  parameter DIVQ = 3'b000;
  parameter FILTER_RANGE = 3'b000;
  parameter ENABLE_ICEGATE = 1'b0;
  parameter TEST_MODE = 1'b0;
  parameter EXTERNAL_DIVIDE_FACTOR = 1;
  assign PLLOUTCORE = PACKAGEPIN;
  assign PLLOUTGLOBAL = PACKAGEPIN;
  assign SDO = 1'b0;
  lock_counter counter (.clock(PACKAGEPIN), .resetb(RESETB), .lock(LOCK));
  generate
    if (FEEDBACK_PATH != "SIMPLE" || PLLOUT_SELECT != "GENCLK" || ENABLE_ICEGATE || TEST_MODE)
      $error("SB_PLL40_PAD: only simple feedback and GENCLK are modelled");
  endgenerate
endmodule

module SB_PLL40_CORE (
  input REFERENCECLK, EXTFEEDBACK, BYPASS, RESETB, LATCHINPUTVALUE, SDI, SCLK,
  input [7:0] DYNAMICDELAY,
  output PLLOUTCORE, PLLOUTGLOBAL, LOCK, SDO
);
  parameter FEEDBACK_PATH = "SIMPLE";
  parameter DELAY_ADJUSTMENT_MODE_FEEDBACK = "FIXED";
  parameter DELAY_ADJUSTMENT_MODE_RELATIVE = "FIXED";
  parameter SHIFTREG_DIV_MODE = 1'b0;
  parameter FDA_FEEDBACK = 4'b0000;
  parameter FDA_RELATIVE = 4'b0000;
  parameter PLLOUT_SELECT = "GENCLK";
  parameter DIVR = 4'b0000;
  parameter DIVF = 7'b0000000;
  parameter DIVQ = 3'b000;
  parameter FILTER_RANGE = 3'b000;
  parameter ENABLE_ICEGATE = 1'b0;
  parameter TEST_MODE = 1'b0;
  parameter EXTERNAL_DIVIDE_FACTOR = 1;
  SB_PLL40_PAD #(
    .FEEDBACK_PATH(FEEDBACK_PATH), .PLLOUT_SELECT(PLLOUT_SELECT),
    .ENABLE_ICEGATE(ENABLE_ICEGATE), .TEST_MODE(TEST_MODE)
  ) pll (
    .PACKAGEPIN(REFERENCECLK), .EXTFEEDBACK(EXTFEEDBACK), .BYPASS(BYPASS), .RESETB(RESETB),
    .LATCHINPUTVALUE(LATCHINPUTVALUE), .SDI(SDI), .SCLK(SCLK), .DYNAMICDELAY(DYNAMICDELAY),
    .PLLOUTCORE(PLLOUTCORE), .PLLOUTGLOBAL(PLLOUTGLOBAL), .LOCK(LOCK), .SDO(SDO)
  );
endmodule

// nextpnr's name for either PLL. ``mends`` connects REFERENCECLK where the pad's own wire does.
module ICESTORM_PLL (
  input BYPASS, RESETB, LATCHINPUTVALUE, EXTFEEDBACK, REFERENCECLK, SDI, SCLK,
  input DYNAMICDELAY_7, DYNAMICDELAY_6, DYNAMICDELAY_5, DYNAMICDELAY_4,
  input DYNAMICDELAY_3, DYNAMICDELAY_2, DYNAMICDELAY_1, DYNAMICDELAY_0,
  output PLLOUT_A, PLLOUT_A_GLOBAL, PLLOUT_B, PLLOUT_B_GLOBAL, LOCK, SDO
);
  parameter TEST_MODE = 0;
  parameter SHIFTREG_DIVMODE = 0;
  parameter PLLTYPE = 0;
  parameter ENABLE_ICEGATE_PORTA = 0;
  parameter ENABLE_ICEGATE_PORTB = 0;
  parameter [1:0] PLLOUT_SELECT_A = 0;
  parameter [1:0] PLLOUT_SELECT_B = 0;
  parameter FILTER_RANGE = 0;
  parameter [2:0] FEEDBACK_PATH = 0;
  parameter FDA_RELATIVE = 0;
  parameter FDA_FEEDBACK = 0;
  parameter DIVR = 0;
  parameter DIVF = 0;
  parameter DIVQ = 0;
  parameter DELAY_ADJMODE_REL = 0;
  parameter DELAY_ADJMODE_FB = 0;
  assign PLLOUT_A = REFERENCECLK;
  assign PLLOUT_A_GLOBAL = REFERENCECLK;
  assign PLLOUT_B = 1'bx;
  assign PLLOUT_B_GLOBAL = 1'bx;
  assign SDO = 1'b0;
  lock_counter counter (.clock(REFERENCECLK), .resetb(RESETB), .lock(LOCK));
  generate
    if (FEEDBACK_PATH != 1 || PLLOUT_SELECT_A != 0 || ENABLE_ICEGATE_PORTA || TEST_MODE)
      $error("ICESTORM_PLL: only simple feedback and GENCLK are modelled");
  endgenerate
endmodule

// Stand-in for the internal oscillator: a clock as fast as the bench's own, whatever the divider is.
module SB_HFOSC (
  input TRIM0, TRIM1, TRIM2, TRIM3, TRIM4, TRIM5, TRIM6, TRIM7, TRIM8, TRIM9,
  input CLKHFPU, CLKHFEN,
  output CLKHF
);
  parameter TRIM_EN = "0b0";
  parameter CLKHF_DIV = "0b00";
  reg clock = 0;
  always #`OSCILLATOR_HALF clock = ~clock;
  assign CLKHF = clock;
endmodule

module ICESTORM_HFOSC (
  input TRIM0, TRIM1, TRIM2, TRIM3, TRIM4, TRIM5, TRIM6, TRIM7, TRIM8, TRIM9,
  input CLKHFPU, CLKHFEN,
  output CLKHF, CLKHF_FABRIC
);
  parameter TRIM_EN = "0";
  parameter CLKHF_DIV = "0b00";
  reg clock = 0;
  always #`OSCILLATOR_HALF clock = ~clock;
  assign CLKHF = clock;
  assign CLKHF_FABRIC = clock;
endmodule

// As Yosys's, but an expression that compiles in less time.
module SB_LUT4 (output O, input I0, I1, I2, I3);
  parameter [15:0] LUT_INIT = 0;
  assign O = LUT_INIT[{I3, I2, I1, I0}];
endmodule

// nextpnr's logic cell: LUT, carry and flip-flop. Like Yosys's model, but only the flip-flop that is used exists.
module ICESTORM_LC (
  input I0, I1, I2, I3, CIN, CLK, CEN, SR,
  output LO, O, COUT
);
  parameter [15:0] LUT_INIT = 0;
  parameter [0:0] NEG_CLK = 0;
  parameter [0:0] CARRY_ENABLE = 0;
  parameter [0:0] DFF_ENABLE = 0;
  parameter [0:0] SET_NORESET = 0;
  parameter [0:0] ASYNC_SR = 0;
  parameter [0:0] CIN_CONST = 0;
  parameter [0:0] CIN_SET = 0;
  wire carry = CIN_CONST ? CIN_SET : CIN;
  assign COUT = CARRY_ENABLE ? (I1 & I2) | ((I1 | I2) & carry) : 1'bx;
  wire lut = LUT_INIT[{I3, I2, I1, I0}];
  assign LO = lut;
  generate
    if (!DFF_ENABLE) assign O = lut;
    else begin
      reg q = 1'b0;
      assign O = q;
      wire clock;
      if (NEG_CLK) assign clock = ~CLK;
      else assign clock = CLK;
      if (ASYNC_SR) begin
        always @(posedge clock, posedge SR)
          if (SR) q <= SET_NORESET;
          else if (CEN) q <= lut;
      end else begin
        always @(posedge clock)
          if (CEN) q <= SR ? SET_NORESET : lut;
      end
    end
  endgenerate
endmodule

// nextpnr's DSP and SPRAM: Yosys's models with a pin for each bit.
module ICESTORM_DSP (
  input CLK, CE, AHOLD, BHOLD, CHOLD, DHOLD, IRSTTOP, IRSTBOT, ORSTTOP,
  input ORSTBOT, OLOADTOP, OLOADBOT, ADDSUBTOP, ADDSUBBOT, OHOLDTOP, OHOLDBOT, CI, ACCUMCI, SIGNEXTIN,
  input A_15, A_14, A_13, A_12, A_11, A_10, A_9, A_8,
  input A_7, A_6, A_5, A_4, A_3, A_2, A_1, A_0,
  input B_15, B_14, B_13, B_12, B_11, B_10, B_9, B_8,
  input B_7, B_6, B_5, B_4, B_3, B_2, B_1, B_0,
  input C_15, C_14, C_13, C_12, C_11, C_10, C_9, C_8,
  input C_7, C_6, C_5, C_4, C_3, C_2, C_1, C_0,
  input D_15, D_14, D_13, D_12, D_11, D_10, D_9, D_8,
  input D_7, D_6, D_5, D_4, D_3, D_2, D_1, D_0,
  output O_31, O_30, O_29, O_28, O_27, O_26, O_25, O_24,
  output O_23, O_22, O_21, O_20, O_19, O_18, O_17, O_16,
  output O_15, O_14, O_13, O_12, O_11, O_10, O_9, O_8,
  output O_7, O_6, O_5, O_4, O_3, O_2, O_1, O_0,
  output CO, ACCUMCO, SIGNEXTOUT
);
  parameter [0:0] NEG_TRIGGER = 0;
  parameter [0:0] A_REG = 0;
  parameter [0:0] B_REG = 0;
  parameter [0:0] C_REG = 0;
  parameter [0:0] D_REG = 0;
  parameter [0:0] TOP_8x8_MULT_REG = 0;
  parameter [0:0] BOT_8x8_MULT_REG = 0;
  parameter [0:0] PIPELINE_16x16_MULT_REG1 = 0;
  parameter [0:0] PIPELINE_16x16_MULT_REG2 = 0;
  parameter [1:0] TOPOUTPUT_SELECT = 0;
  parameter [1:0] TOPADDSUB_LOWERINPUT = 0;
  parameter [0:0] TOPADDSUB_UPPERINPUT = 0;
  parameter [1:0] TOPADDSUB_CARRYSELECT = 0;
  parameter [1:0] BOTOUTPUT_SELECT = 0;
  parameter [1:0] BOTADDSUB_LOWERINPUT = 0;
  parameter [0:0] BOTADDSUB_UPPERINPUT = 0;
  parameter [1:0] BOTADDSUB_CARRYSELECT = 0;
  parameter [0:0] MODE_8x8 = 0;
  parameter [0:0] A_SIGNED = 0;
  parameter [0:0] B_SIGNED = 0;
  SB_MAC16 #(
    .NEG_TRIGGER(NEG_TRIGGER),
    .A_REG(A_REG),
    .B_REG(B_REG),
    .C_REG(C_REG),
    .D_REG(D_REG),
    .TOP_8x8_MULT_REG(TOP_8x8_MULT_REG),
    .BOT_8x8_MULT_REG(BOT_8x8_MULT_REG),
    .PIPELINE_16x16_MULT_REG1(PIPELINE_16x16_MULT_REG1),
    .PIPELINE_16x16_MULT_REG2(PIPELINE_16x16_MULT_REG2),
    .TOPOUTPUT_SELECT(TOPOUTPUT_SELECT),
    .TOPADDSUB_LOWERINPUT(TOPADDSUB_LOWERINPUT),
    .TOPADDSUB_UPPERINPUT(TOPADDSUB_UPPERINPUT),
    .TOPADDSUB_CARRYSELECT(TOPADDSUB_CARRYSELECT),
    .BOTOUTPUT_SELECT(BOTOUTPUT_SELECT),
    .BOTADDSUB_LOWERINPUT(BOTADDSUB_LOWERINPUT),
    .BOTADDSUB_UPPERINPUT(BOTADDSUB_UPPERINPUT),
    .BOTADDSUB_CARRYSELECT(BOTADDSUB_CARRYSELECT),
    .MODE_8x8(MODE_8x8),
    .A_SIGNED(A_SIGNED),
    .B_SIGNED(B_SIGNED)
  ) mac (
    .CLK(CLK), .CE(CE), .AHOLD(AHOLD), .BHOLD(BHOLD), .CHOLD(CHOLD),
    .DHOLD(DHOLD), .IRSTTOP(IRSTTOP), .IRSTBOT(IRSTBOT), .ORSTTOP(ORSTTOP), .ORSTBOT(ORSTBOT),
    .OLOADTOP(OLOADTOP), .OLOADBOT(OLOADBOT), .ADDSUBTOP(ADDSUBTOP), .ADDSUBBOT(ADDSUBBOT), .OHOLDTOP(OHOLDTOP),
    .OHOLDBOT(OHOLDBOT), .CI(CI), .ACCUMCI(ACCUMCI), .SIGNEXTIN(SIGNEXTIN),
    .A({A_15, A_14, A_13, A_12, A_11, A_10, A_9, A_8,
        A_7, A_6, A_5, A_4, A_3, A_2, A_1, A_0}),
    .B({B_15, B_14, B_13, B_12, B_11, B_10, B_9, B_8,
        B_7, B_6, B_5, B_4, B_3, B_2, B_1, B_0}),
    .C({C_15, C_14, C_13, C_12, C_11, C_10, C_9, C_8,
        C_7, C_6, C_5, C_4, C_3, C_2, C_1, C_0}),
    .D({D_15, D_14, D_13, D_12, D_11, D_10, D_9, D_8,
        D_7, D_6, D_5, D_4, D_3, D_2, D_1, D_0}),
    .O({O_31, O_30, O_29, O_28, O_27, O_26, O_25, O_24,
        O_23, O_22, O_21, O_20, O_19, O_18, O_17, O_16,
        O_15, O_14, O_13, O_12, O_11, O_10, O_9, O_8,
        O_7, O_6, O_5, O_4, O_3, O_2, O_1, O_0}),
    .CO(CO), .ACCUMCO(ACCUMCO), .SIGNEXTOUT(SIGNEXTOUT)
  );
endmodule

module ICESTORM_SPRAM (
  input ADDRESS_13, ADDRESS_12, ADDRESS_11, ADDRESS_10, ADDRESS_9, ADDRESS_8, ADDRESS_7, ADDRESS_6,
  input ADDRESS_5, ADDRESS_4, ADDRESS_3, ADDRESS_2, ADDRESS_1, ADDRESS_0,
  input DATAIN_15, DATAIN_14, DATAIN_13, DATAIN_12, DATAIN_11, DATAIN_10, DATAIN_9, DATAIN_8,
  input DATAIN_7, DATAIN_6, DATAIN_5, DATAIN_4, DATAIN_3, DATAIN_2, DATAIN_1, DATAIN_0,
  input MASKWREN_3, MASKWREN_2, MASKWREN_1, MASKWREN_0,
  input WREN, CHIPSELECT, CLOCK, STANDBY, SLEEP, POWEROFF,
  output DATAOUT_15, DATAOUT_14, DATAOUT_13, DATAOUT_12, DATAOUT_11, DATAOUT_10, DATAOUT_9, DATAOUT_8,
  output DATAOUT_7, DATAOUT_6, DATAOUT_5, DATAOUT_4, DATAOUT_3, DATAOUT_2, DATAOUT_1, DATAOUT_0
);
  SB_SPRAM256KA ram (
    .ADDRESS({ADDRESS_13, ADDRESS_12, ADDRESS_11, ADDRESS_10, ADDRESS_9, ADDRESS_8, ADDRESS_7, ADDRESS_6,
      ADDRESS_5, ADDRESS_4, ADDRESS_3, ADDRESS_2, ADDRESS_1, ADDRESS_0}),
    .DATAIN({DATAIN_15, DATAIN_14, DATAIN_13, DATAIN_12, DATAIN_11, DATAIN_10, DATAIN_9, DATAIN_8,
      DATAIN_7, DATAIN_6, DATAIN_5, DATAIN_4, DATAIN_3, DATAIN_2, DATAIN_1, DATAIN_0}),
    .MASKWREN({MASKWREN_3, MASKWREN_2, MASKWREN_1, MASKWREN_0}),
    .WREN(WREN), .CHIPSELECT(CHIPSELECT), .CLOCK(CLOCK),
    .STANDBY(STANDBY), .SLEEP(SLEEP), .POWEROFF(POWEROFF),
    .DATAOUT({DATAOUT_15, DATAOUT_14, DATAOUT_13, DATAOUT_12, DATAOUT_11, DATAOUT_10, DATAOUT_9, DATAOUT_8,
      DATAOUT_7, DATAOUT_6, DATAOUT_5, DATAOUT_4, DATAOUT_3, DATAOUT_2, DATAOUT_1, DATAOUT_0})
  );
endmodule

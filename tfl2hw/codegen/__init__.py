"""From schedule to hardware: program, memory contents, configuration, Verilog, bitstream."""

from .compile import Compiled, compile_model

__all__ = ["Compiled", "compile_model"]

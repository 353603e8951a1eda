"""From schedule to hardware: program, memory contents, configuration, Verilog, bitstream."""

from .compile import Compiled, Source, compile_model, compile_source

__all__ = ["Compiled", "Source", "compile_model", "compile_source"]

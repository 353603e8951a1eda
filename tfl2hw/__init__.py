"""tfl2hw: an int8 ``.tflite`` network in, exact bytes and an FPGA bitstream out."""

__version__ = "0.1.0"

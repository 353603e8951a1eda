"""The frontend: a ``.tflite`` file in, a frozen Graph out."""

from tfl2hw.frontend.load import load

__all__ = ["load"]

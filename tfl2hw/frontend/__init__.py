"""The frontend: a ``.tflite`` file in, a frozen Graph out."""

from tfl2hw.frontend.load import Survey, load, survey

__all__ = ["Survey", "load", "survey"]

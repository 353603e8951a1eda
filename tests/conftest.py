"""Where tests find the real models and inputs, and what they say when there are none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """The folder of real models: $TFL2HW_MODELS, or ../shared/models beside the repository."""
    folder = Path(os.environ.get("TFL2HW_MODELS", SHARED / "models"))
    if not folder.is_dir():
        pytest.skip(f"no real models in {folder}: set TFL2HW_MODELS to a folder that has kws_int8.tflite")
    return folder


@pytest.fixture(scope="session")
def inputs_dir(models_dir: Path) -> Path:
    """The folder of real inputs: $TFL2HW_INPUTS, or inputs/ beside the models' folder."""
    folder = Path(os.environ.get("TFL2HW_INPUTS", models_dir.parent / "inputs"))
    if not folder.is_dir():
        pytest.skip(f"no real inputs in {folder}: set TFL2HW_INPUTS to a folder that has kws_yes_9.dat")
    return folder

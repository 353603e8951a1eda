"""The files of `--dump DIR`: inputs, outputs and tensors of each sample."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfl2hw.cli.inputs import Sample
from tfl2hw.sim.inference import SampleRun


def write_dump(directory: Path, samples: Sequence[Sample], runs: Sequence[SampleRun]) -> None:
    """Write ``input_I.npy``, ``output_I.npy`` and ``tensor_INDEX.npy``: sample 0 into ``directory``
    itself, sample n into its folder ``sample_n``.
    """
    for number, (sample, run) in enumerate(zip(samples, runs, strict=True)):
        folder = directory / f"sample_{number}" if number else directory
        folder.mkdir(parents=True, exist_ok=True)
        named = {f"input_{i}": array for i, array in enumerate(sample.inputs)}
        named |= {f"output_{i}": array for i, array in enumerate(run.outputs)}
        named |= {f"tensor_{index}": array for index, array in run.tensors.items()}
        for name, array in named.items():
            np.save(folder / f"{name}.npy", array)

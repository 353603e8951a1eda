"""The child process that runs an interpreter: `python -m tfl2hw.sim.oracle_child JOB.json`.

The job names the model, the numerics, the tensors wanted and the files for inputs and results. The
interpreters are imported here alone: they are heavy, and a model that they dislike can abort them.
Exit codes: 0 done, 3 the package is not installed, 4 the interpreter refused the model.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

NOT_INSTALLED, REFUSED = 3, 4
Run = Callable[[list[npt.NDArray[Any]]], dict[int, npt.NDArray[Any]]]


def main(arguments: list[str]) -> int:
    """Run the job in the file ``arguments[0]``."""
    job = json.loads(Path(arguments[0]).read_text())
    try:
        run = {"litert-ref": _litert, "tflm": _tflm}[job["numerics"]](job)
    except ImportError as error:
        print(error, file=sys.stderr)
        return NOT_INSTALLED
    except (RuntimeError, ValueError) as error:
        print(error, file=sys.stderr)
        return REFUSED
    results = {}
    with np.load(job["inputs"]) as given:
        for sample in range(job["samples"]):
            arrays = [given[f"{sample}_{position}"] for position in range(job["input_count"])]
            results.update({f"{sample}_{index}": array for index, array in run(arrays).items()})
    np.savez(job["results"], **results)
    return 0


def _litert(job: dict[str, Any]) -> Run:
    """LiteRT with the reference kernels, all tensors kept."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_path=job["model"],
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
        num_threads=1,
    )
    interpreter.allocate_tensors()
    inputs = [detail["index"] for detail in interpreter.get_input_details()]

    def run(arrays: list[npt.NDArray[Any]]) -> dict[int, npt.NDArray[Any]]:
        for index, array in zip(inputs, arrays, strict=True):
            interpreter.set_tensor(index, array)
        interpreter.invoke()
        return {index: np.array(interpreter.get_tensor(index)) for index in job["tensors"]}

    return run


def _tflm(job: dict[str, Any]) -> Run:
    """TFLite Micro, all tensors kept."""
    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_file(
        job["model"],
        arena_size=job["arena"],
        intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors,
    )

    def run(arrays: list[npt.NDArray[Any]]) -> dict[int, npt.NDArray[Any]]:
        for position, array in enumerate(arrays):
            interpreter.set_input(array, position)
        interpreter.invoke()
        return {index: np.array(interpreter.GetTensor(index, 0)["tensor_data"]) for index in job["tensors"]}

    return run


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Getting at the bytes of a model file, and at its flatbuffer without trusting it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tflite

from tfl2hw.errors import ModelError

IDENTIFIER = b"TFL3"
MAX_FILE_BYTES = 1 << 28
MAX_NAME_BYTES = 120
MAX_TABLES = 20_000
"""Operators, tensors and buffers: a small file can list one table a million times."""


@dataclass(kw_only=True)
class ModelFile:
    """A model's bytes and the reading of its vectors, bounded by the size of the file.

    ``budget`` counts down the bytes that vectors may hold in all: contents that overlap again and
    again would otherwise grow a small file into gigabytes. ``objections`` are the sentences on what is
    sound but not accepted: the reading goes on, so that `inspect` can say more.
    """

    name: str
    content: bytes
    root: Any = None
    budget: int = field(init=False)
    objections: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.budget = 4 * len(self.content) + (1 << 16)
        self.root = tflite.Model.GetRootAs(self.content, 0)

    def refuse(self, sentence: str) -> ModelError:
        """The error that says ``sentence`` of this file."""
        return ModelError(f"{self.name}: {sentence}")

    def object_to(self, what: str, sentence: str) -> None:
        """Note that ``sentence`` keeps the model from being accepted, once for each ``what``; read on."""
        self.objections.setdefault(what, sentence)

    def tables(self, length: int, get: Callable[[int], Any], what: str) -> list[Any]:
        """Every table of a vector of tables."""
        self._spend(4 * length, what)
        if length > MAX_TABLES:
            raise self.refuse(f"the model has {length} {what}; accepted: at most {MAX_TABLES}")
        return [get(position) for position in range(length)]

    def numbers(self, vector: npt.NDArray[Any] | int, what: str) -> npt.NDArray[Any]:
        """The numbers of a vector; the generated code gives an int for an absent one."""
        if isinstance(vector, int):
            return np.zeros(0, np.int64)
        self._spend(vector.nbytes, what)
        return vector

    def text(self, raw: bytes | None) -> str:
        """A name, printable and of bounded length."""
        short = (raw or b"")[:MAX_NAME_BYTES].decode("utf-8", "replace")
        return "".join(letter if letter.isprintable() else "?" for letter in short)

    def _spend(self, count: int, what: str) -> None:
        self.budget -= count
        if count > len(self.content) or self.budget < 0:
            raise self.refuse(
                f"the file's {what} claim {count} bytes, more than its {len(self.content)} bytes hold; it is "
                "damaged: convert the model again"
            )


def read(path: Path) -> ModelFile:
    """The file at ``path`` as a TFLite flatbuffer, its identifier checked.

    Raises
    ------
    ModelError : no such file, not readable, too large, or no TFLite flatbuffer.
    """
    try:
        if not path.is_file():
            found = "is a directory" if path.is_dir() else "does not exist"
            raise ModelError(f"{path}: the model file {found}; give the path of a .tflite file")
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ModelError(f"{path}: {size} bytes, at most {MAX_FILE_BYTES} are accepted")
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ModelError(f"{path}: the model file cannot be read ({reason})") from error
    if content[4:8] != IDENTIFIER:
        found = f"identifier {content[4:8]!r}" if len(content) >= 8 else f"{len(content)} bytes"
        raise ModelError(
            f"{path}: not a TFLite flatbuffer ({found}, where bytes 4 to 7 must be {IDENTIFIER!r}); "
            "convert the model with TensorFlow's TFLiteConverter"
        )
    return ModelFile(name=str(path), content=content)

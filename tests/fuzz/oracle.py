"""The interpreters in a process that outlives a model, and is started anew when a model aborts it."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 120
MOST_JOBS = 300
"""Jobs of one process: what an interpreter leaks is given back then."""

FRESH_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "131072"}
"""Keeps glibc from giving TFLite Micro's arena memory that was used before: SPACE_TO_BATCH_ND pads with a
word of it that nothing writes, which is 0 in a fresh one."""


class PersistentChild:
    """Runs jobs as `tfl2hw.sim.oracle.fresh_child` does, but not in a process each."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._jobs = 0

    def __call__(self, job: Path) -> subprocess.CompletedProcess[str]:
        if self._process is None or self._jobs >= MOST_JOBS:
            self.close()
            self._start()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        self._jobs += 1
        process.stdin.write(f"{job}\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], PATIENCE_SECONDS)
        answer = process.stdout.readline() if ready else ""
        if answer:
            code = int(answer)
        else:
            if not ready:
                process.kill()
            code = process.wait()
            self._process = None
        said = Path(f"{job}.err")
        words = said.read_text(errors="replace") if said.exists() else ""
        return subprocess.CompletedProcess([str(job)], code, "", words)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait()
            self._process = None

    def _start(self) -> None:
        self._jobs = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.oracle_server"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | FRESH_MEMORY,
        )

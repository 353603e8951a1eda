"""A child process that runs interpreter jobs one after the other: `python -m tests.fuzz.oracle_server`.

Each line it reads is the path of a job; it answers with the exit code that the job would have had. What the
job said is in the file JOB.err.
"""

from __future__ import annotations

import os
import sys

from tfl2hw.sim import oracle_child


def main() -> None:
    """Serve until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        path = line.strip()
        with open(f"{path}.err", "w") as said:
            os.dup2(said.fileno(), 2)
            code = oracle_child.main([path])
            sys.stderr.flush()
        answers.write(f"{code}\n")
        answers.flush()


if __name__ == "__main__":
    main()

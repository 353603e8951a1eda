"""A process of its own for pyosys: a crash or an error there ends this process, not the compiler."""

from __future__ import annotations

import sys


def main(script: str) -> None:
    """Run a Yosys script in the working directory."""
    import pyosys.libyosys as yosys

    yosys.run_pass(f"script {script}", yosys.Design())


if __name__ == "__main__":
    main(sys.argv[1])

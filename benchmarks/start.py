"""How long `tierwall --help` takes, beside an empty Python program: whole processes, in turn.

python -m benchmarks.start [--runs 10]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time


def seconds(*command: str) -> float:
    """Wall seconds of one run of a program."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    runs = parser.parse_args().runs
    pairs = [(seconds("-m", "scanner", "--help"), seconds("-c", "pass")) for _ in range(runs + 1)][1:]
    help_, empty = (statistics.median(p[i] for p in pairs) for i in (0, 1))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"tierwall --help: median {help_:.3f} s; an empty program {empty:.3f} s; ratio {ratio:.1f}; {runs} runs")


if __name__ == "__main__":
    main()

"""The engine alone: packed command bytes in, packed event bytes out, in batches of 1,000.

One process on one core; the compiled form and the source take turns in processes of their own.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time

from agio import hot_paths
from bench.figures import Figure, figure, show

RUNS = 5
BATCH = 1000
COMMANDS = {"compiled": 300_000, "source": 60_000}


def measure() -> list[Figure]:
    rates: dict[str, list[float]] = {"compiled": [], "source": []}
    for run in range(RUNS):
        for form, taken in rates.items():
            print(f"engine: run {run + 1} of {RUNS}, {form}", file=sys.stderr)
            taken.append(rate_in_own_process(form))
    return [
        figure(
            "engine, compiled",
            "commands/s",
            rates["compiled"],
            target=1_000_000,
            compared=("source", rates["source"]),
            pinning="core 0",
        ),
        figure("engine, source", "commands/s", rates["source"], pinning="core 0"),
    ]


def rate_in_own_process(form: str) -> float:
    environment = {**os.environ, "AGIO_UNCOMPILED": "" if form == "compiled" else "1"}
    command = [sys.executable, "-m", "bench.engine", "--rate", form]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return float(done.stdout)


def rate(form: str) -> float:
    """Return the commands a second of one flow through one engine, after a warm-up."""
    os.sched_setaffinity(0, {0})
    gc.disable()  # as the matching process does
    if not hot_paths.prefer_source() and form == "source":
        raise SystemExit("asked for the source, but AGIO_UNCOMPILED is not set")
    from bench.flow import FlowMaker, listings
    from matching.core.engine import Engine

    if form == "compiled" and not hot_paths.is_compiled("matching.core.engine"):
        raise SystemExit("the hot paths are not compiled: run `make build`")
    engine = Engine()
    opening = listings()
    maker = FlowMaker(seed=1, first_sequence=len(opening) + 1)
    opening += maker.take(5 * BATCH)
    engine.apply_batch(b"".join(opening), 1, 0)
    sequence = len(opening) + 1
    count = COMMANDS[form]
    batches = [b"".join(maker.take(BATCH)) for _ in range(count // BATCH)]
    start = time.perf_counter()
    for batch in batches:
        engine.apply_batch(batch, sequence, 0)
        sequence += BATCH
    return count / (time.perf_counter() - start)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--rate"]:
        print(rate(sys.argv[2]))
    else:
        show(measure())

"""FIX order to ExecutionReport through one gateway process and the matching process behind it.

Latency: one order in flight, everything on one core, beside a bare uvloop TCP echo of an order's
bytes in the same runs. Throughput: a window of 1,000 orders in flight on each of 1 and 8 sessions,
the gateway on a core of its own. Each run starts a new venue on an empty journal; the message store
is on, and so is the validation by the dictionary.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from bench.figures import Figure, figure, show
from bench.fix_venue import process, venue

RUNS = 5
LATENCY_ORDERS = 4_000
THROUGHPUT_ORDERS = 40_000
WINDOW = 1_000
TARGETS_ORDERS_PER_S = {"os": 150_000, "fsync": 100_000}
MODES = ("os", "fsync")
SESSIONS = (1, 8)

ONE_CORE = frozenset({0})
OTHER_CORE = frozenset({1})
LATENCY_PINNING = "all on core 0"
THROUGHPUT_PINNING = "gateway core 0; matching and client core 1"


def measure() -> list[Figure]:
    return latency_figures() + throughput_figures()


def latency_figures() -> list[Figure]:
    names = [*MODES, "echo"]
    percentiles: dict[tuple[str, int], list[float]] = {(n, p): [] for n in names for p in (50, 99)}
    for run in range(RUNS):
        for name in names:
            print(f"fix latency: run {run + 1} of {RUNS}, {name}", file=sys.stderr)
            times_us = echo() if name == "echo" else one_in_flight(name)
            cuts = statistics.quantiles(times_us, n=100)
            for percentile in (50, 99):
                percentiles[name, percentile].append(cuts[percentile - 1])
    figures = [
        figure(
            f"FIX order to report, {mode}, p{percentile}",
            "us",
            percentiles[mode, percentile],
            compared=("echo", percentiles["echo", percentile]),
            pinning=LATENCY_PINNING,
        )
        for mode in MODES
        for percentile in (50, 99)
    ]
    return figures + [
        figure(
            f"bare TCP echo, p{percentile}",
            "us",
            percentiles["echo", percentile],
            pinning=LATENCY_PINNING,
        )
        for percentile in (50, 99)
    ]


def throughput_figures() -> list[Figure]:
    rates: dict[tuple[str, int], list[float]] = {(m, s): [] for m in MODES for s in SESSIONS}
    for run in range(RUNS):
        for (mode, sessions), taken in rates.items():
            print(
                f"fix throughput: run {run + 1} of {RUNS}, {mode}, {sessions} sessions",
                file=sys.stderr,
            )
            taken.append(many_in_flight(mode, sessions))
    return [
        figure(
            f"FIX orders, {mode}, {sessions} session{'s' * (sessions > 1)} of {WINDOW}",
            "orders/s",
            taken,
            target=TARGETS_ORDERS_PER_S[mode],
            pinning=THROUGHPUT_PINNING,
        )
        for (mode, sessions), taken in rates.items()
    ]


def one_in_flight(mode: str) -> list[float]:
    with (
        tempfile.TemporaryDirectory() as directory,
        venue(Path(directory), mode, gateway=ONE_CORE, matching=ONE_CORE) as port,
    ):
        times_us: list[float] = load(ONE_CORE, measure="latency", port=port, orders=LATENCY_ORDERS)
        return times_us


def echo() -> list[float]:
    with process("echo", ONE_CORE) as port:
        times_us: list[float] = load(ONE_CORE, measure="echo", port=port, orders=LATENCY_ORDERS)
        return times_us


def many_in_flight(mode: str, sessions: int) -> float:
    with (
        tempfile.TemporaryDirectory() as directory,
        venue(Path(directory), mode, gateway=ONE_CORE, matching=OTHER_CORE) as port,
    ):
        rate: float = load(
            OTHER_CORE,
            measure="throughput",
            port=port,
            sessions=sessions,
            orders=THROUGHPUT_ORDERS,
            window=WINDOW,
        )
        return rate


def load(cores: AbstractSet[int], **job: object) -> Any:
    """Run the load client in a process of its own; return what it measured."""
    command = [sys.executable, "-m", "bench.fix_load", json.dumps(job | {"cores": sorted(cores)})]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


if __name__ == "__main__":
    show(measure())

"""FIX order to ExecutionReport through one gateway process and the matching process behind it.

Latency: one order in flight, everything on one core, in the same runs beside a bare uvloop TCP echo
of an order's bytes, QuickFIX (C++, memory store, nothing behind it) and the disk's own fdatasync.
That core is the one on which a sync takes less: the disk interrupts one, and wakes others over it.
Throughput: a window of 1,000 orders in flight on each of 1 and 8 sessions,
the gateway on a core of its own. Each run starts a new venue on an empty journal; the message store
is on, and so is the validation by the dictionary.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import Path
from typing import Any

from bench.figures import Figure, figure, show
from bench.fix_venue import process, venue
from bench.quickfix_reference import NoReferenceError, acceptor

RUNS = 5
LATENCY_ORDERS = 4_000
THROUGHPUT_ORDERS = 40_000
RECORD_BYTES = 400
SYNCS = 2_000
WINDOW = 1_000
TARGETS_ORDERS_PER_S = {"os": 150_000, "fsync": 100_000}
MODES = ("os", "fsync")
TIMES_QUICKFIX_MAX = 3
ABOVE_FDATASYNC_US_MAX = 80
SESSIONS = (1, 8)

ONE_CORE = frozenset({0})
OTHER_CORE = frozenset({1})
THROUGHPUT_PINNING = "gateway core 0; matching and client core 1"


def measure() -> list[Figure]:
    return latency_figures() + throughput_figures()


def latency_figures() -> list[Figure]:
    cores = nearest_to_disk()
    pinning = f"all on core {min(cores)}, nearest to the disk"
    measured = {
        "os": lambda: one_in_flight("os", cores),
        "fsync": lambda: one_in_flight("fsync", cores),
        "echo": lambda: echo(cores),
        "QuickFIX": lambda: quickfix(cores),
        "fdatasync": lambda: fdatasync(cores),
    }
    percentiles: dict[tuple[str, int], list[float]] = {}
    for run in range(RUNS):
        for name in tuple(measured):
            print(f"fix latency: run {run + 1} of {RUNS}, {name}", file=sys.stderr)
            try:
                times_us = measured[name]()
            except NoReferenceError as error:
                print(f"without {name}: {error}", file=sys.stderr)
                del measured[name]
                continue
            cuts = statistics.quantiles(times_us, n=100)
            for percentile in (50, 99):
                percentiles.setdefault((name, percentile), []).append(cuts[percentile - 1])
    figures = [
        figure(
            f"FIX order to report, {mode}, p{percentile}",
            "us",
            percentiles[mode, percentile],
            compared=("echo", percentiles["echo", percentile]),
            pinning=pinning,
        )
        for mode in MODES
        for percentile in (50, 99)
    ]
    bare = {"echo": "bare TCP echo", "fdatasync": "bare fdatasync", "QuickFIX": "QuickFIX in C++"}
    figures += [
        figure(f"{bare[name]}, p{percentile}", "us", taken, pinning=pinning)
        for (name, percentile), taken in percentiles.items()
        if name in bare
    ]
    return figures + held_against(
        percentiles["os", 50],
        percentiles.get(("QuickFIX", 50), []),
        percentiles["fsync", 50],
        percentiles["fdatasync", 50],
        pinning,
    )


def held_against(
    os_us: list[float],
    quickfix_us: list[float],
    fsync_us: list[float],
    disk_us: list[float],
    pinning: str,
) -> list[Figure]:
    """Return what the round trip takes beside QuickFIX's, and above the disk's own time."""
    above_us = [ours - disk for ours, disk in zip(fsync_us, disk_us, strict=True)]
    figures = [
        figure(
            "FIX order to report, fsync, p50, above a bare fdatasync",
            "us",
            above_us,
            target=ABOVE_FDATASYNC_US_MAX,
            pinning=pinning,
        )
    ]
    if quickfix_us:
        figures.append(
            figure(
                "FIX order to report, os, p50, beside QuickFIX's memory store in C++",
                "us",
                os_us,
                target=TIMES_QUICKFIX_MAX * statistics.median(quickfix_us),
                compared=("QuickFIX", quickfix_us),
                pinning=pinning,
            )
        )
    return figures


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


def one_in_flight(mode: str, cores: AbstractSet[int]) -> list[float]:
    with (
        tempfile.TemporaryDirectory() as directory,
        venue(Path(directory), mode, gateway=cores, matching=cores) as port,
    ):
        times_us: list[float] = load(cores, measure="latency", port=port, orders=LATENCY_ORDERS)
        return times_us


def echo(cores: AbstractSet[int]) -> list[float]:
    with process("echo", cores) as port:
        times_us: list[float] = load(cores, measure="echo", port=port, orders=LATENCY_ORDERS)
        return times_us


def quickfix(cores: AbstractSet[int]) -> list[float]:
    with acceptor(cores, "LOAD0") as port:
        times_us: list[float] = load(cores, measure="latency", port=port, orders=LATENCY_ORDERS)
        return times_us


def fdatasync(cores: AbstractSet[int]) -> list[float]:
    """Return how long the disk takes to keep as many bytes as an order's record has."""
    record = b"x" * RECORD_BYTES
    times_us: list[float] = []
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    with tempfile.NamedTemporaryFile() as file:
        file.write(bytes(RECORD_BYTES * SYNCS))
        file.flush()
        os.fsync(file.fileno())
        for place in range(SYNCS):
            started = time.perf_counter_ns()
            os.pwrite(file.fileno(), record, place * RECORD_BYTES)
            os.fdatasync(file.fileno())
            times_us.append((time.perf_counter_ns() - started) / 1000)
    os.sched_setaffinity(0, before)
    return times_us


@cache
def nearest_to_disk() -> AbstractSet[int]:
    """Return the core on which a sync takes less."""
    return min(ONE_CORE, OTHER_CORE, key=lambda cores: statistics.median(fdatasync(cores)))


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

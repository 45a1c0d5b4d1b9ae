"""What traces cost: FIX orders with none, one of a hundred and all of them traced, side by side.

Each run has a new venue of each kind, one after the other. Exporters and collector run on the same
two cores as the venue and the client, at low priority, so the rates say what tracing costs where no
core is free. The processor time of gateway and matching process for an order says what it costs
where one is; it also depends less on what else runs on a shared machine.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.figures import Figure, figure, show
from bench.fix_round_trip import ONE_CORE, OTHER_CORE, THROUGHPUT_PINNING, load
from bench.fix_venue import processor_s, venue
from matching.edge.batch_times import BatchTimes
from matching.edge.batch_traces import emit_batch
from vocabulary.tracing import Passage, Tracing

RUNS = 5
ORDERS = 30_000
SESSIONS = 4
WINDOW = 250
BATCH = 100
RATES = {"none": 0.0, "1 of 100": 0.01, "all": 1.0}


def measure() -> list[Figure]:
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in RATES}
    for run in range(RUNS):
        for name, runs in taken.items():
            print(f"tracing: run {run + 1} of {RUNS}, {name}", file=sys.stderr)
            runs.append(orders_per_s_and_cpu_us(RATES[name]))
    return [
        figure(
            f"{title}, {name} traced",
            unit,
            [run[index] for run in runs],
            compared=None
            if name == "none"
            else ("none traced", [run[index] for run in taken["none"]]),
            pinning=THROUGHPUT_PINNING,
        )
        for index, (title, unit) in enumerate(
            [("FIX orders", "orders/s"), ("processor time of a FIX order", "us")]
        )
        for name, runs in taken.items()
    ] + [
        figure(f"noting a batch of {BATCH}, {name} traced", "us", noting_us(rate))
        for name, rate in RATES.items()
    ]


def orders_per_s_and_cpu_us(trace_rate: float) -> tuple[float, float]:
    with (
        tempfile.TemporaryDirectory() as directory,
        venue(Path(directory), "os", ONE_CORE, OTHER_CORE, trace_rate) as port,
    ):
        before_s = processor_s("gateway", "matching")
        rate: float = load(
            OTHER_CORE,
            measure="throughput",
            port=port,
            sessions=SESSIONS,
            orders=ORDERS,
            window=WINDOW,
        )
        return rate, (processor_s("gateway", "matching") - before_s) / ORDERS * 1e6


def noting_us(trace_rate: float) -> list[float]:
    """Return what the matching process's part takes for a batch, over and over."""
    kept: list[Passage] = []
    tracing = Tracing(trace_rate, kept.append) if trace_rate else None
    times = BatchTimes(*(time.time_ns() for _ in BatchTimes._fields))
    timestamp_ns = time.time_ns()

    def note() -> None:
        if tracing is not None:
            emit_batch(tracing, times, BATCH, 10**6, timestamp_ns)

    return [_time_us(note) for _ in range(RUNS)]


def _time_us(step: Callable[[], None], count: int = 1_000) -> float:
    started = time.perf_counter()
    for _ in range(count):
        step()
    return (time.perf_counter() - started) / count * 1e6


if __name__ == "__main__":
    show(measure())

"""What 2,000 idle FIX sessions cost the one that trades.

They are logged on in a process of their own, a hundred for each of twenty accounts, and send only
their heartbeats, each a minute after its last. In each run a venue without them and one with them
are measured: the time from order to report with one in flight, and the orders a second with a
window of 1,000.
"""

from __future__ import annotations

import json
import os
import selectors
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import cycle
from pathlib import Path

from bench.figures import Figure, figure, show
from bench.fix_load import Session
from bench.fix_round_trip import ONE_CORE, OTHER_CORE, THROUGHPUT_PINNING, WINDOW, load
from bench.fix_venue import venue

RUNS = 5
IDLE_SESSIONS = 2_000
SESSIONS_OF_AN_ACCOUNT = 100
HEARTBEAT_S = 60
LATENCY_ORDERS = 4_000
THROUGHPUT_ORDERS = 40_000
KEPT_TARGET_PERCENT = 90


def measure() -> list[Figure]:
    alone: list[tuple[float, float, float]] = []
    beside: list[tuple[float, float, float]] = []
    for run in range(RUNS):
        print(f"fix idle sessions: run {run + 1} of {RUNS}", file=sys.stderr)
        alone.append(p50_p99_and_rate(idle=False))
        beside.append(p50_p99_and_rate(idle=True))
    figures = [
        figure(
            f"FIX order to report beside {IDLE_SESSIONS:,} idle sessions, {name}",
            "us",
            [each[index] for each in beside],
            compared=("alone", [each[index] for each in alone]),
            pinning=THROUGHPUT_PINNING,
        )
        for index, name in enumerate(("p50", "p99"))
    ]
    kept = [100 * after[2] / before[2] for before, after in zip(alone, beside, strict=True)]
    return [
        *figures,
        figure(
            f"FIX orders/s kept beside {IDLE_SESSIONS:,} idle sessions",
            "%",
            kept,
            target=KEPT_TARGET_PERCENT,
            pinning=THROUGHPUT_PINNING,
        ),
    ]


def p50_p99_and_rate(*, idle: bool) -> tuple[float, float, float]:
    """Return two percentiles of the round trip in microseconds, and orders a second."""
    with (
        tempfile.TemporaryDirectory() as directory,
        venue(Path(directory), "os", gateway=ONE_CORE, matching=OTHER_CORE) as port,
        idle_sessions(port) if idle else nullcontext(),
    ):
        times_us: list[float] = load(
            OTHER_CORE, measure="latency", port=port, orders=LATENCY_ORDERS
        )
        rate: float = load(
            OTHER_CORE,
            measure="throughput",
            port=port,
            first=1,
            sessions=1,
            orders=THROUGHPUT_ORDERS,
            window=WINDOW,
        )
    cuts = statistics.quantiles(times_us, n=100)
    return cuts[49], cuts[98], rate


@contextmanager
def idle_sessions(port: int) -> Iterator[None]:
    """Run the process of the idle sessions; yield when all have logged on."""
    command = [sys.executable, "-m", "bench.fix_idle_sessions", json.dumps(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert int(running.stdout.readline()) == IDLE_SESSIONS
        try:
            yield
        finally:
            running.terminate()


def stay_idle(port: int) -> None:
    """Log on, say how many have, and send heartbeats one after the other until terminated."""
    os.sched_setaffinity(0, OTHER_CORE)
    selector = selectors.DefaultSelector()
    sessions = []
    for number in range(IDLE_SESSIONS):
        account_id = 2 + number // SESSIONS_OF_AN_ACCOUNT
        session = Session(port, number, orders=0, key=b"%d" % account_id)
        selector.register(session.socket, selectors.EVENT_READ, session)
        sessions.append(session)
    print(len(sessions), flush=True)
    for session in cycle(sessions):
        session.beat()
        time.sleep(HEARTBEAT_S / IDLE_SESSIONS)
        for key, _ in selector.select(0):
            key.data.receive()


def main() -> None:
    if len(sys.argv) > 1:
        stay_idle(json.loads(sys.argv[1]))
    else:
        show(measure())


if __name__ == "__main__":
    main()

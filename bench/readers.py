"""What the readers that fill stores cost an order: nothing, or the venue waits for a store.

FIX order to ExecutionReport, one in flight, as in `fix_round_trip`: gateway, matching and client on
core 0. Archive, trade history and event stream follow the same matching process from core 1, into
moto's AWS there; or that AWS is stopped, and they try again and again. Each run starts everything
anew.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from agio import child_process
from agio.configuration import OPTIONAL_PORT_OFFSETS
from agio.embedded_aws import ENVIRONMENT, EmbeddedAws
from bench.figures import Figure, figure, show
from bench.fix_round_trip import LATENCY_ORDERS, ONE_CORE, OTHER_CORE, load
from bench.fix_venue import venue

RUNS = 5
ALONE, BESIDE, AWAY = "no readers", "three readers", "three readers, their stores stopped"
SITUATIONS = (ALONE, BESIDE, AWAY)
READERS = {
    "archive_metrics_port": ("archive", "run"),
    "trade_history_metrics_port": ("trade-history",),
    "stream_metrics_port": ("stream",),
}
PINNING = "venue and client core 0; readers and AWS core 1"
START_TIMEOUT_S = 60.0


def measure() -> list[Figure]:
    cuts: dict[str, list[list[float]]] = {situation: [] for situation in SITUATIONS}
    for run in range(RUNS):
        for situation in SITUATIONS:
            print(f"readers: run {run + 1} of {RUNS}, {situation}", file=sys.stderr)
            cuts[situation].append(statistics.quantiles(one_in_flight(situation), n=100))
    return [
        figure(
            f"FIX order to report, {situation}, p{percentile}",
            "us",
            [taken[percentile - 1] for taken in runs],
            compared=None
            if situation == ALONE
            else (ALONE, [taken[percentile - 1] for taken in cuts[ALONE]]),
            pinning=PINNING,
        )
        for percentile in (50, 99)
        for situation, runs in cuts.items()
    ]


def one_in_flight(situation: str) -> list[float]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        directory = Path(name)
        port = stack.enter_context(venue(directory, "os", ONE_CORE, ONE_CORE))
        if situation != ALONE:
            aws = EmbeddedAws(directory / "aws.log")
            aws.start()
            stack.callback(aws.stop)
            os.sched_setaffinity(aws.process.pid, OTHER_CORE)
            stack.enter_context(readers(directory, aws))
            if situation == AWAY:
                aws.stop()
        times_us: list[float] = load(ONE_CORE, measure="latency", port=port, orders=LATENCY_ORDERS)
        return times_us


@contextmanager
def readers(directory: Path, aws: EmbeddedAws) -> Iterator[None]:
    """Run the readers of the venue in a directory, once they follow it."""
    port_base = child_process.free_port() // 2  # below those that the system gives out itself
    settings = aws.settings()
    environment = {
        "AGIO_DATA": str(directory),
        "AGIO_MATCHING_ADDRESS": f"unix://{directory / 'matching.sock'}",
        "AGIO_PORT_BASE": str(port_base),
        "AGIO_LOG_LEVEL": "error",
    } | {
        f"AGIO_{name.upper()}": str(settings[name])
        for name in ("archive_url", "trade_history_url", "event_stream_url")
    }
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "agio", *command],
            env=os.environ | ENVIRONMENT | environment,
            stderr=subprocess.DEVNULL,
        )
        for command in READERS.values()
    ]
    try:
        for process in running:
            os.sched_setaffinity(process.pid, OTHER_CORE)
        for name in READERS:
            wait_until_ready(port_base + OPTIONAL_PORT_OFFSETS[name])
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit(f"the reader with metrics on port {port} did not get ready")


if __name__ == "__main__":
    show(measure())

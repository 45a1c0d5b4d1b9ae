"""What the readers that fill stores cost an order: nothing, or the venue waits for a store.

FIX order to ExecutionReport, one in flight, as in `fix_round_trip`: gateway, matching and client on
core 0. Archive, trade history and event stream follow the same matching process from core 1, into
moto's AWS there; or that AWS is stopped, and they try again and again; or they are killed with -9
at random all the time, and started again. Each run starts everything anew.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from agio import child_process
from agio.configuration import OPTIONAL_PORT_OFFSETS
from agio.embedded_aws import ENVIRONMENT, EmbeddedAws
from bench.figures import Figure, figure, show
from bench.fix_round_trip import ONE_CORE, OTHER_CORE, load
from bench.fix_venue import venue

RUNS = 5
ORDERS = 30_000
KILL_SECONDS_MAX = 2.0
ALONE, BESIDE = "no readers", "three readers"
AWAY, KILLED = "three readers, their stores stopped", "three readers, killed at random"
SITUATIONS = (ALONE, BESIDE, AWAY, KILLED)
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
            running = stack.enter_context(readers(directory, aws))
            if situation == AWAY:
                aws.stop()
            if situation == KILLED:
                stack.enter_context(killed_at_random(running))
        times_us: list[float] = load(ONE_CORE, measure="latency", port=port, orders=ORDERS)
        return times_us


class Reader:
    """A reader as a process, on the core of those who start it."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command = [sys.executable, "-m", "agio", *command]
        self._environment = environment
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, env=self._environment, stderr=subprocess.DEVNULL
        )

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def readers(directory: Path, aws: EmbeddedAws) -> Iterator[list[Reader]]:
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
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, OTHER_CORE)
    running = [
        Reader(command, os.environ | ENVIRONMENT | environment) for command in READERS.values()
    ]
    os.sched_setaffinity(0, before)
    try:
        for name in READERS:
            wait_until_ready(port_base + OPTIONAL_PORT_OFFSETS[name])
        yield running
    finally:
        for reader in running:
            reader.kill()


@contextmanager
def killed_at_random(running: Sequence[Reader]) -> Iterator[None]:
    """Kill one of them again and again, and start it anew at once."""
    ending = threading.Event()

    def kill() -> None:
        os.sched_setaffinity(0, OTHER_CORE)  # of this thread, and of whom it starts
        while not ending.wait(random.uniform(0, KILL_SECONDS_MAX)):
            reader = random.choice(running)
            reader.kill()
            reader.start()

    killing = threading.Thread(target=kill)
    killing.start()
    try:
        yield
    finally:
        ending.set()
        killing.join()


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

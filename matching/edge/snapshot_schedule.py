"""When a snapshot is due, and the process that makes it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence

import structlog
from prometheus_client import Counter, Gauge

FAILURES = Counter("agio_matching_snapshot_failures_total", "Snapshots that could not be made")
PAUSE_SECONDS = Gauge(
    "agio_matching_snapshot_pause_seconds", "How long starting the last snapshot held matching up"
)
STOP_SECONDS = 5.0

log = structlog.get_logger("matching")


class SnapshotSchedule:
    """Runs `command` when enough records or seconds have passed since it last did.

    `tick` is called a few times a second. The command makes a snapshot from the journal; it is
    started without copying this process (vfork), so it costs the same however much is in memory.
    """

    def __init__(self, command: Sequence[str], records: int, seconds: float) -> None:
        self._command = command
        self._records = records
        self._seconds = seconds
        self._sequence = 0
        self._started = time.monotonic()
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self, sequence: int) -> None:
        """Count from here: the sequence of the snapshot that the process started from, or 0."""
        self._sequence = sequence
        self._started = time.monotonic()

    def tick(self, sequence: int) -> bool:
        """Return whether a snapshot has been made since the last time; start one if it is due."""
        is_made = False
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                return False
            self._process = None
            is_made = code == 0
            if code != 0:
                FAILURES.inc()
                log.error("snapshot failed", status=code, sequence=self._sequence)
        if self._is_due(sequence):
            self._start(sequence)
        return is_made

    def stop(self) -> None:
        """Give up a snapshot that is being made."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _is_due(self, sequence: int) -> bool:
        if sequence - self._sequence >= self._records:
            return True
        return sequence > self._sequence and time.monotonic() - self._started >= self._seconds

    def _start(self, sequence: int) -> None:
        self._sequence = sequence  # whether it succeeds or not: a full disk is not tried again soon
        self._started = time.monotonic()
        try:
            self._process = subprocess.Popen(  # noqa: S603 (our own command line)
                self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )
        except OSError as error:
            FAILURES.inc()
            log.error("snapshot not started", error=str(error))  # noqa: TRY400
            return
        pause_seconds = time.monotonic() - self._started
        PAUSE_SECONDS.set(pause_seconds)
        log.info("snapshot begun", sequence=sequence, pause_seconds=round(pause_seconds, 6))

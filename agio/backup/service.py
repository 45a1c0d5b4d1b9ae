"""Keeps a backup of the venue at hand: `agio backup run`, beside the matching process.

The journal is copied all the time, and waits for nothing else. Anything else is put only when the
journal's copy reaches beyond it, so that at any moment all that is there can be restored.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import structlog
from prometheus_client import Counter, Gauge, Histogram

from accounts.edge.ledger_store import POSTGRES_ERRORS
from agio.backup import postgres_copy, retention
from agio.backup.contents import CHUNKS, DESK, FILES, KINDS, LEDGER, LOGS, SNAPSHOT, Copy
from agio.backup.file_copy import FileCopy
from agio.backup.journal_copy import JournalCopy
from agio.backup.postgres_copy import PostgresToolError
from agio.backup.snapshot_copy import checked_pieces, snapshots_there
from matching.journal_format import JournalDamagedError
from matching.snapshot_format import SnapshotUnusableError
from objects.encrypted import EncryptedError, EncryptedStore, open_encrypted
from objects.store import StoreFailedError, open_store

log = structlog.get_logger("backup")

RETRY_S_MAX: Final = 30.0
OTHERS_TIMES: Final = 5  # so much longer than the journal may anything else wait
RETENTION_S: Final = 3_600.0
AWAIT_S: Final = 0.05
FAILURES: Final = (
    StoreFailedError,
    EncryptedError,
    JournalDamagedError,
    PostgresToolError,
    SnapshotUnusableError,
    *POSTGRES_ERRORS,
)

sequence_gauge = Gauge("agio_backup_sequence", "The journal's last record in the backup")
age_gauge = Gauge("agio_backup_age_seconds", "How long ago it was what the backup has", ["what"])
put_bytes_gauge = Gauge("agio_backup_put_bytes", "Bytes put into the backup")
failures_counter = Counter("agio_backup_failures", "Attempts that failed", ["what"])
round_histogram = Histogram(
    "agio_backup_round_seconds", "Copying what was new of the journal",
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100),
)  # fmt: skip
copied_gauge = Gauge(
    "agio_backup_copied_sequence", "The sequence as of which the newest copy was taken", ["kind"]
)


class Intervals(NamedTuple):
    """How often what is backed up, and how long what was replaced is kept."""

    journal_s: float
    ledger_s: float
    keep_s: float

    @property
    def others_s(self) -> float:
        return OTHERS_TIMES * self.journal_s


class BackupService:
    """Backs up what lies under `data`, and the database, into the store at `url`.

    `texts` are files of ours by name, such as the configuration.
    """

    def __init__(
        self,
        *,
        data: Path,
        url: str,
        secret: bytes,
        postgres_url: str,
        intervals: Intervals,
        texts: dict[str, str],
    ) -> None:
        self._data = data
        self._url = url
        self._secret = secret
        self._postgres_url = postgres_url
        self._intervals = intervals
        self._texts = texts
        self._store: EncryptedStore
        self._journal: JournalCopy
        self._files: FileCopy
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self._ending = asyncio.Event()
        self._copied_as_of = 0.0  # monotonic: all that the journal had then is in the backup
        self._others_copied_as_of = 0.0
        self._errors: dict[str, str] = {}
        self._known: set[str] = set()
        self._listed = b""
        self._desk_state: tuple[int, ...] = ()
        self._ledger_taken_ms = 0
        self._retention_due = 0.0

    async def start(self) -> None:
        """Return once the store is open, and what it has is of this journal; then go on.

        Raises `BackupOfAnotherError`, `EncryptedError`, `StoreFailedError` and `OSError`.
        """
        every = self._intervals
        await asyncio.to_thread(self._open)
        sequence_gauge.set_function(lambda: self._journal.last_sequence)
        age_gauge.labels("journal").set_function(lambda: self.ages_s()[0])
        age_gauge.labels("others").set_function(lambda: self.ages_s()[1])
        put_bytes_gauge.set_function(lambda: self._store.bytes_put)
        self._others_copied_as_of = self._copied_as_of = time.monotonic() - every.others_s
        log.info("backup goes on", sequence=self._journal.last_sequence)
        self._tasks = [
            asyncio.create_task(self._repeat("journal", self._copy_journal, every.journal_s)),
            asyncio.create_task(self._repeat("others", self._copy_others, every.others_s)),
            asyncio.create_task(self._repeat("ledger", self._copy_ledger, every.others_s)),
        ]

    async def stop(self) -> None:
        """Copy what is new once more, and end."""
        self._stopping.set()
        await asyncio.gather(*self._tasks[1:])
        self._ending.set()
        await asyncio.gather(*self._tasks)

    def health(self) -> dict[str, object]:
        return {
            "ready": not self._errors,
            "sequence": self._journal.last_sequence,
            "age_s": round(self.ages_s()[0], 1),
            "others_age_s": round(self.ages_s()[1], 1),
            "errors": self._errors,
        }

    def ages_s(self) -> tuple[float, float]:
        """Return how long ago the journal, and all else but the ledger, was what the backup has."""
        now = time.monotonic()
        return now - self._copied_as_of, now - self._others_copied_as_of

    def _open(self) -> None:
        self._store = open_encrypted(open_store(self._url), self._secret, create=True)
        self._journal = JournalCopy(self._data / "journal", self._store)
        self._journal.begin()
        self._delete_taken_back()
        for prefix in (*(f"{kind}/" for kind in KINDS), CHUNKS, LOGS):
            self._store.delete_unfinished(prefix)
        self._files = FileCopy(self._data, self._texts, self._store)
        self._known = set(self._store.files(f"{SNAPSHOT}/")) | set(self._store.files(LOGS))
        ledgers = map(Copy.parse, self._store.files(f"{LEDGER}/"))
        self._ledger_taken_ms = max((copy.taken_ms for copy in ledgers), default=0)

    def _delete_taken_back(self) -> None:
        """Delete what was taken as of records that the journal does not have any more."""
        first = self._journal.taken_back_from
        if first is None:
            return
        for kind in KINDS:
            for copy in map(Copy.parse, self._store.files(f"{kind}/")):
                if copy.sequence >= first:
                    self._store.delete(copy.name)

    async def _repeat(
        self, what: str, attempt: Callable[[], Awaitable[None]], interval_s: float
    ) -> None:
        """Attempt it again and again, and once more at the end."""
        told = self._ending if what == "journal" else self._stopping
        pause_s = interval_s
        is_last = False
        while True:
            try:
                await attempt()
            except Exception as error:  # noqa: BLE001 (whatever it was, there is to be a backup)
                self._errors[what] = f"{type(error).__name__}: {error}"
                tell_failure(what, error, FAILURES)
                pause_s = min(2 * pause_s, max(RETRY_S_MAX, interval_s))
            else:
                self._errors.pop(what, None)
                pause_s = interval_s
            if is_last:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), pause_s)
            is_last = told.is_set()

    async def _copy_journal(self) -> None:
        began = time.monotonic()
        with round_histogram.time():
            await asyncio.to_thread(self._journal.ship)
        self._copied_as_of = began

    async def _copy_others(self) -> None:
        began = time.monotonic()
        await asyncio.to_thread(self._copy_files)
        await asyncio.to_thread(self._copy_snapshots)
        await asyncio.to_thread(self._copy_logs)
        if await postgres_copy.is_migrated(self._postgres_url):
            state = await postgres_copy.desk_state(self._postgres_url)
            if state != self._desk_state:
                await asyncio.to_thread(self._copy_desk)
                self._desk_state = state
        self._others_copied_as_of = began
        if time.monotonic() >= self._retention_due:
            await asyncio.to_thread(self._delete_old)
            self._retention_due = time.monotonic() + RETENTION_S

    async def _copy_ledger(self) -> None:
        due_ms = self._ledger_taken_ms + 1000 * self._intervals.ledger_s
        if now_ms() < due_ms or not await postgres_copy.is_migrated(self._postgres_url):
            return
        taken_ms = now_ms()

        def put(settled_sequence: int, pieces: Iterator[bytes]) -> None:
            self._put_behind_journal(Copy(LEDGER, settled_sequence, taken_ms), pieces)

        await postgres_copy.copy_ledger(self._postgres_url, put)
        self._ledger_taken_ms = taken_ms

    def _copy_files(self) -> None:
        listed = self._files.put_chunks()
        if listed != self._listed:
            self._await_journal(time.monotonic())
            self._put(Copy(FILES, self._journal.last_sequence, now_ms()), [listed])
            self._listed = listed

    def _copy_desk(self) -> None:
        copy = Copy(DESK, self._journal.last_sequence, now_ms())
        self._put(copy, postgres_copy.copy_desk(self._postgres_url))

    def _copy_snapshots(self) -> None:
        for copy, path in snapshots_there(self._data / "journal").items():
            if copy.name not in self._known:
                with suppress(FileNotFoundError):  # a newer one has replaced it
                    self._put_behind_journal(copy, checked_pieces(path))
                    self._known.add(copy.name)

    def _copy_logs(self) -> None:
        """Copy the logs that are full: they are renamed as newer ones come, and keep their time."""
        for path in sorted((self._data / "logs").glob("*.log.*")):
            with suppress(FileNotFoundError):
                name = f"{LOGS}{path.stem}/{path.stat().st_mtime_ns // 1_000_000:015d}"
                if name not in self._known:
                    self._store.put(name, [path.read_bytes()])
                    self._known.add(name)

    def _delete_old(self) -> None:
        now = now_ms()
        retention.delete_old(self._store, now - int(1000 * self._intervals.keep_s))
        self._files.forget_chunks()

    def _put(self, copy: Copy, pieces: Iterable[bytes]) -> None:
        self._store.put(copy.name, pieces)
        copied_gauge.labels(copy.kind).set(copy.sequence)
        log.info("copied", kind=copy.kind, sequence=copy.sequence)

    def _put_behind_journal(self, copy: Copy, pieces: Iterator[bytes]) -> None:
        """Put a copy, whose last object waits for the journal's copy."""

        def waiting() -> Iterator[bytes]:
            for piece in pieces:
                if self._stopping.is_set() and copy.kind == LEDGER:
                    raise PostgresToolError("given up, since the service stops")
                yield piece
            self._await_journal(time.monotonic())

        self._put(copy, waiting())

    def _await_journal(self, as_of: float) -> None:
        """Wait until all that the journal had at a monotonic time is in the backup."""
        while self._copied_as_of < as_of:
            if self._stopping.is_set() and "journal" in self._errors:
                raise StoreFailedError(self._errors["journal"])
            time.sleep(AWAIT_S)


def tell_failure(what: str, error: Exception, foreseen: tuple[type[Exception], ...]) -> None:
    """Count and log a failed attempt, with a traceback if nobody foresaw it."""
    failures_counter.labels(what).inc()
    trace = None if isinstance(error, foreseen) else error
    log.error("backup failed", what=what, error=f"{type(error).__name__}: {error}", exc_info=trace)


def now_ms() -> int:
    return time.time_ns() // 1_000_000

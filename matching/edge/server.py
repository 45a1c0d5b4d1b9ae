"""The matching process: takes commands from its sockets, makes them durable, tells the readers.

Everything that is readable in one iteration of the event loop becomes one batch: executed in the
order of arrival, journalled by one write and one fdatasync, and only then published, by one write
per connection. While the disk syncs a large batch the next one is executed, and behind it the
sockets fill up, so batches grow with the load by themselves.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn, cast

import structlog

from matching.core.engine import Engine
from matching.edge import metrics
from matching.edge.archive import name_archive
from matching.edge.batch_times import BatchTimes
from matching.edge.batch_traces import emit_batch
from matching.edge.connection import Connection
from matching.edge.disk_watch import DiskWatch
from matching.edge.failed_commands import note_failed_command, read_failed_commands
from matching.edge.group_commit import Executed, GroupCommit
from matching.edge.journal import SEGMENT_BYTES, Journal, Mode
from matching.edge.publisher import Publisher, Question
from matching.edge.recovery import Recovery
from matching.edge.snapshot_schedule import SnapshotSchedule
from matching.link import (
    VERSION,
    ErrorCode,
    FundsRequest,
    Hello,
    LinkError,
    UnixAddress,
    Welcome,
    pack_welcome,
    parse_address,
)
from matching.pipeline import EngineFailedError, Pipeline
from matching.sequencer import Sequencer
from vocabulary.tracing import Tracing

BATCH_BYTES: Final = 512 << 10
"""A batch takes requests up to about this size; what is left waits for the next one."""

REPLAY_REPORT_SECONDS: Final = 2.0
TICK_SECONDS: Final = 0.25
CONNECTIONS_MAX: Final = 256
READER_BUFFER_BYTES_MAX: Final = 16 << 20
STOP_SECONDS: Final = 1.0
ALARM_SECONDS_MAX: Final = 1.0

log = structlog.get_logger("matching")


def end_process(error: BaseException) -> NoReturn:
    """Stop at once: nothing that waits in a buffer may leave after a failure."""
    log.critical("matching failed, the process ends", error=f"{type(error).__name__}: {error}")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(os.EX_SOFTWARE)


class MatchingServer:
    """Serves one journal on a unix or TCP address.

    `mode` is the journal's (see `matching.edge.journal.Journal`). A live reader for whom more than
    `reader_buffer_bytes_max` bytes wait is disconnected. If a write, a sync or the engine fails,
    nothing more leaves any socket and `on_failure` is called; by default it ends the process.

    `snapshot_command` is run in the background to make a snapshot of the journal (see
    `matching.edge.snapshot_maker`) after so many records or seconds; without it none is made. It
    also moves segments that no restart needs any more to the archive at `archive_url`, encrypted
    with the key in `archive_key_file` where that is on S3.
    """

    def __init__(
        self,
        *,
        journal_directory: Path,
        address: str,
        mode: Mode = "fsync",
        segment_bytes: int = SEGMENT_BYTES,
        reader_buffer_bytes_max: int = READER_BUFFER_BYTES_MAX,
        snapshot_command: Sequence[str] | None = None,
        snapshot_records: int = 2_000_000,
        snapshot_seconds: float = 3_600,
        archive_url: str | None = None,
        tracing: Tracing | None = None,
        archive_key_file: Path | None = None,
        on_failure: Callable[[BaseException], None] = end_process,
    ) -> None:
        self.reader_buffer_bytes_max = reader_buffer_bytes_max
        self._journal_directory = journal_directory
        self._address = parse_address(address)
        self._mode: Mode = mode
        self._segment_bytes = segment_bytes
        self._snapshots = (
            SnapshotSchedule(snapshot_command, snapshot_records, snapshot_seconds)
            if snapshot_command is not None
            else None
        )
        self._archive_url = archive_url
        self._tracing = tracing
        self._archive_key_file = archive_key_file
        self._on_failure = on_failure
        self._state = "stopped"
        self._engine = Engine()
        self._sequencer = Sequencer()
        self._pipeline = Pipeline(self._engine, self._sequencer)
        self._journal: Journal
        self._publisher: Publisher
        self._commits: GroupCommit
        self._disk: DiskWatch
        self._server: asyncio.Server
        self._loop: asyncio.AbstractEventLoop
        self._alarm: asyncio.Handle | None = None
        self._inbox: deque[tuple[Connection, bytes | FundsRequest, int]] = deque()
        self._batch_is_due = False
        self._connections: set[Connection] = set()
        self._nobody_connected = asyncio.Event()
        self._nobody_connected.set()

    async def start(self) -> None:
        """Recover the state from snapshot and journal, then listen.

        Raises `JournalDamagedError`, `JournalLockedError`, `ReplayError` and `OSError`.
        """
        self._loop = asyncio.get_running_loop()
        self._state = "replaying"
        if self._archive_url is not None:
            name_archive(self._journal_directory, self._archive_url, self._archive_key_file)
        self._journal = Journal(
            self._journal_directory, self._mode, self._segment_bytes, scanned=False
        )
        # A full collection would stop matching for as long as it takes to visit every order. Our
        # own objects form no cycles, so none is needed.
        gc.disable()
        try:
            await self._recover()
            self._journal.begin()
            if self._journal.torn_tail is not None:
                log.warning("torn tail cut", **self._journal.torn_tail._asdict())
            self._disk = DiskWatch(self._journal, self._pipeline.admission, self._segment_bytes)
            self._publisher = Publisher(self._journal, self._engine, self._fail)
            self._commits = GroupCommit(self._journal, self._durable, self._go_on, self._fail)
            self._state = "running"
            await self._listen()
        except BaseException:
            self._journal.close()
            gc.enable()
            self._state = "stopped"
            raise
        self._set_alarm()
        metrics.SEQUENCE.set_function(self._last_sequence)
        self._tick()
        log.info("matching runs", **self.health())

    async def stop(self) -> None:
        """Execute what has arrived, tell the clients, and close the journal in order."""
        if self._state == "running":
            self._state = "stopping"
            self._cancel_alarm()
            self._server.close()
            await self._commits.settle()
            while self._inbox and self._state == "stopping":
                self._run_batch()
            for connection in list(self._connections):
                connection.end(LinkError(ErrorCode.STOPPING, "the matching process stops"))
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await self._nobody_connected.wait()
            for connection in list(self._connections):
                connection.abort()
        if self._state in {"stopping", "failed"}:
            if self._snapshots:
                self._snapshots.stop()
            self._commits.close()
            self._journal.close()
            gc.enable()
            log.info("matching stopped", sequence=self._journal.last_sequence)
            self._state = "stopped"

    def _last_sequence(self) -> int:
        return self._journal.last_sequence

    def health(self) -> dict[str, object]:
        is_open = self._state in {"running", "stopping", "failed"}
        return {
            "ready": self._state == "running",
            "state": self._state,
            "takes": self._pipeline.admission.takes if is_open else "nothing",
            "sequence": self._journal.last_sequence if is_open else self._sequencer.last_sequence,
            "connections": len(self._connections),
            "live_readers": self._publisher.live_readers if is_open else 0,
            "open_orders": self._engine.open_order_count,
            "journal_mode": self._mode,
        }

    @property
    def address(self) -> str:
        """Where it listens; tells the port that a port of 0 became."""
        if isinstance(self._address, UnixAddress):
            return f"unix://{self._address.path}"
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"tcp://{host}:{port}"

    async def _recover(self) -> None:
        recovery = Recovery(self._journal_directory, self._journal.segments)
        started = reported = time.monotonic()
        for sequence in recovery.steps():
            self._sequencer = recovery.sequencer  # for `health`
            if time.monotonic() - reported > REPLAY_REPORT_SECONDS:
                reported = time.monotonic()
                log.info("replaying", sequence=sequence)
            await asyncio.sleep(0)  # health is asked for meanwhile
        self._engine, self._sequencer = recovery.engine, recovery.sequencer
        failed = read_failed_commands(self._journal_directory)
        self._pipeline = Pipeline(self._engine, self._sequencer, failed)
        if self._snapshots:
            self._snapshots.begin(recovery.snapshot_sequence)
        metrics.note_newest_snapshot(self._journal_directory)
        log.info(
            "recovered",
            sequence=recovery.last_sequence,
            snapshot_sequence=recovery.snapshot_sequence,
            seconds=round(time.monotonic() - started, 3),
        )

    def _tick(self) -> None:
        if self._state == "running":
            self._disk.tick()
            if self._snapshots and self._snapshots.tick(self._journal.last_sequence):
                metrics.note_newest_snapshot(self._journal_directory)
            metrics.LIVE_READERS.set(self._publisher.live_readers)
            metrics.WAITING_REQUESTS.set(len(self._inbox))
            metrics.OPEN_ORDERS.set(self._engine.open_order_count)
            metrics.RECORD_TIMESTAMP.set(self._sequencer.last_timestamp_ns / 1e9)
            self._loop.call_later(TICK_SECONDS, self._tick)

    async def _listen(self) -> None:
        def connect() -> asyncio.Protocol:
            return cast("asyncio.Protocol", Connection(self))

        if isinstance(self._address, UnixAddress):
            path = self._address.path
            _remove_stale(path)
            self._server = await self._loop.create_unix_server(connect, path)
            Path(path).chmod(0o600)  # noqa: ASYNC240 (a name, not a disk)
        else:
            self._server = await self._loop.create_server(connect, *self._address)

    # What connections tell.

    def opened(self, connection: Connection) -> None:
        if len(self._connections) >= CONNECTIONS_MAX:
            connection.end(
                LinkError(ErrorCode.TOO_MANY_CONNECTIONS, f"at most {CONNECTIONS_MAX} connections")
            )
            return
        self._connections.add(connection)
        self._nobody_connected.clear()
        metrics.CONNECTIONS.set(len(self._connections))

    def greeted(self, connection: Connection, hello: Hello) -> None:
        first, last = self._journal.first_sequence, self._journal.last_sequence
        wanted = hello.from_sequence
        if wanted is not None and not first <= wanted <= last + 1:
            raise LinkError(
                ErrorCode.SEQUENCE_UNAVAILABLE, f"sequence {wanted} is not in {first}..{last + 1}"
            )
        connection.outgoing.append(pack_welcome(Welcome(VERSION, first, last)))
        connection.flush()
        connection.patience_s = hello.patience_ms / 1_000
        self._publisher.follow(connection, wanted)
        log.info("client connected", client=hello.name, from_sequence=wanted, sequence=last)

    def submitted(self, connection: Connection, request: bytes | FundsRequest, size: int) -> None:
        self._inbox.append((connection, request, size))
        self._schedule_batch()

    def writable(self, connection: Connection) -> None:
        self._publisher.feed(connection)

    def ended(self, connection: Connection) -> None:
        self._publisher.remove(connection)

    def closed(self, connection: Connection) -> None:
        self.ended(connection)
        if connection in self._connections:
            self._connections.remove(connection)
            if not self._connections:
                self._nobody_connected.set()
            metrics.CONNECTIONS.set(len(self._connections))
            log.info("client disconnected", client=connection.name)

    # One batch.

    def _schedule_batch(self) -> None:
        if not self._batch_is_due:
            self._batch_is_due = True
            # Runs after every socket that is readable now has been read.
            self._loop.call_soon(self._run_batch)

    def _run_batch(self) -> None:
        self._batch_is_due = False
        if self._state not in {"running", "stopping"} or not self._commits.takes_another():
            return  # the latter until `_go_on` is called
        submissions: list[tuple[Connection, bytes]] = []
        questions: list[Question] = []
        self._take_requests(submissions, questions)
        try:
            self._disk.look()
            taken_ns = time.time_ns()
            batch = self._pipeline.execute(submissions, taken_ns)
            executed = Executed(batch, questions)
            executed.last_sequence = self._sequencer.last_sequence
            executed.timestamp_ns = self._sequencer.last_timestamp_ns
            executed.taken_ns = taken_ns
            executed.executed_ns = time.time_ns()
            self._commits.add(executed)
        except Exception as error:  # noqa: BLE001 (whatever it is, nothing may go on)
            self._fail(error)
            return
        self._go_on()

    def _durable(self, executed: Executed) -> None:
        """Tell of a batch that is durable."""
        batch = executed.batch
        committed_ns = time.time_ns()
        self._publisher.publish(batch, executed.questions)
        published_ns = time.time_ns()
        taken_ns, executed_ns = executed.taken_ns, executed.executed_ns
        metrics.observe_batch(batch, taken_ns, executed_ns, committed_ns, published_ns)
        if self._tracing is not None and batch.count:
            times = BatchTimes(taken_ns, executed_ns, committed_ns, published_ns)
            last_sequence, timestamp_ns = executed.last_sequence, executed.timestamp_ns
            emit_batch(self._tracing, times, batch.count, last_sequence, timestamp_ns)

    def _go_on(self) -> None:
        """Have the next batch run where something waits for it already, or will."""
        if self._inbox:
            self._schedule_batch()
        if self._state == "running":
            self._set_alarm()

    def _set_alarm(self) -> None:
        """Have a batch run, if only the clock's, when the next order's time in force is over."""
        self._cancel_alarm()
        next_expiry_ns = self._engine.next_expiry_ns
        if next_expiry_ns:
            wait_s = (next_expiry_ns - time.time_ns()) / 1e9
            # No further ahead than this, as the clock may be set meanwhile.
            wait_s = min(max(wait_s, 0.0), ALARM_SECONDS_MAX)
            if not self._pipeline.admission.takes_clock():
                wait_s = ALARM_SECONDS_MAX
            self._alarm = self._loop.call_later(wait_s, self._schedule_batch)

    def _cancel_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _take_requests(
        self, submissions: list[tuple[Connection, bytes]], questions: list[Question]
    ) -> None:
        """Move the next requests from the inbox to those of a batch."""
        taken_bytes = 0
        while self._inbox and taken_bytes < BATCH_BYTES:
            connection, request, size = self._inbox.popleft()
            if isinstance(request, FundsRequest):
                questions.append((connection, request))
            else:
                submissions.append((connection, request))
            taken_bytes += size
            connection.read(size)

    def _fail(self, error: BaseException) -> None:
        self._state = "failed"
        self._commits.fail()
        self._server.close()
        for connection in list(self._connections):
            connection.abort()
        if isinstance(error, EngineFailedError):
            with suppress(OSError):
                note_failed_command(self._journal_directory, error)
        self._on_failure(error)


def _remove_stale(path: str) -> None:
    """Remove a killed predecessor's socket. None is alive: its journal's lock is ours."""
    Path(path).unlink(missing_ok=True)

"""What is durable, on its way out: to the readers, and as answers to those who asked.

Who sent the commands is written to first, and who has patience (see `matching.link`) last, and not
for every batch: each write and the process that it wakes is time in which nothing is matched.

A reader that is behind is fed from the journal in chunks between the batches, and turns live when
nothing is left to read: within one iteration of the event loop, so without a hole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import structlog

from matching.core.engine import Engine
from matching.edge.connection import Connection
from matching.edge.journal import Journal
from matching.edge.segments import SegmentUnavailableError
from matching.link import (
    ErrorCode,
    FrameKind,
    FundsRequest,
    LinkError,
    pack_funds,
    pack_records,
    pack_refused,
    slice_records,
)
from matching.pipeline import Batch
from vocabulary.codec import RECORD_HEADER

CHUNK_BYTES: Final = 128 << 10

Question = tuple[Connection, FundsRequest]

log = structlog.get_logger("matching")


class Publisher:
    """Sends records and answers, by one write per connection and batch.

    Where the journal does not give back what it took, `on_failure` is called.
    """

    def __init__(
        self, journal: Journal, engine: Engine, on_failure: Callable[[BaseException], None]
    ) -> None:
        self._journal = journal
        self._engine = engine
        self._on_failure = on_failure
        self._loop = asyncio.get_running_loop()
        self._live: dict[Connection, None] = {}
        self._patient: dict[Connection, None] = {}  # live, too
        self._to_flush: dict[Connection, None] = {}
        self._due_chunks: set[Connection] = set()

    @property
    def live_readers(self) -> int:
        return len(self._live) + len(self._patient)

    def follow(self, connection: Connection, from_sequence: int | None) -> None:
        """Let a connection read from a sequence on, or its own commands' records only."""
        connection.next_sequence = from_sequence
        self.feed(connection)

    def remove(self, connection: Connection) -> None:
        self._live.pop(connection, None)
        self._patient.pop(connection, None)

    def feed(self, connection: Connection) -> None:
        """Send a reader that is behind its next chunk, as soon as it is its turn."""
        if connection.is_catching_up and connection not in self._due_chunks:
            self._due_chunks.add(connection)
            self._loop.call_soon(self._catch_up, connection)

    def publish(self, batch: Batch, questions: Sequence[Question]) -> None:
        """Send what came of a batch, which is durable."""
        for connection, _, _ in batch.own:
            self._to_flush[connection] = None  # before the readers
        if batch.records:
            frames = pack_records(batch.records)
            for connection in self._live:
                self._send(connection, frames)
            for connection in self._patient:
                if connection.gather(frames):
                    self._to_flush[connection] = None
            for connection, start, stop in batch.own:
                if connection.next_sequence is None:
                    own = frames
                    if stop - start < batch.count:
                        own = pack_records(slice_records(batch.records, start, stop))
                    self._send(connection, own)
        if batch.repeats:
            self._repeat(batch.repeats)
        for connection, refusal in batch.refusals:
            self._send(connection, pack_refused(refusal))
        for connection, (request_id, account_id) in questions:
            funds = self._engine.funds(account_id)
            self._send(connection, pack_funds(request_id, self._journal.last_sequence, funds))
        for connection in self._to_flush:
            connection.flush()
        self._to_flush.clear()
        for connection, fault in batch.faults:
            connection.end(LinkError(ErrorCode.MALFORMED, str(fault)))

    def _send(self, connection: Connection, frames: bytes) -> None:
        connection.outgoing.append(frames)
        self._to_flush[connection] = None

    def _repeat(self, repeats: Sequence[tuple[Connection, int]]) -> None:
        wanted = {sequence for _, sequence in repeats}
        found: dict[int, bytes] = {}
        for sequence in sorted(wanted):
            if sequence not in found:
                with suppress(SegmentUnavailableError):
                    records = self._journal.read(sequence, CHUNK_BYTES).records
                    found.update(_pick(records, wanted))
        for connection, sequence in repeats:
            if sequence in found:
                self._send(connection, pack_records(found[sequence], FrameKind.REPEATED))
            else:  # it was executed, so there is no other answer
                text = f"sequence {sequence}, which answers a repeated command, can't be read"
                connection.end(LinkError(ErrorCode.SEQUENCE_UNAVAILABLE, text))

    def _catch_up(self, connection: Connection) -> None:
        """Send a reader the next chunk of the journal, or make it live."""
        self._due_chunks.discard(connection)
        if connection.next_sequence is None or not connection.is_open:
            return
        if not self._journal.segments.is_at_hand(connection.next_sequence):
            self._fetch(connection, connection.next_sequence)
            return
        try:
            chunk = self._journal.read(connection.next_sequence, CHUNK_BYTES)
        except SegmentUnavailableError as error:
            connection.end(LinkError(ErrorCode.SEQUENCE_UNAVAILABLE, str(error)))
            return
        except Exception as error:  # noqa: BLE001 (the disk has lost what was durable)
            self._on_failure(error)
            return
        if chunk.records:
            connection.outgoing.append(pack_records(chunk.records))
            connection.next_sequence = chunk.next_sequence
            connection.flush()
        if connection.next_sequence > self._journal.last_sequence:
            connection.is_live = True
            (self._patient if connection.patience_s else self._live)[connection] = None
            log.debug("reader is live", client=connection.name, sequence=chunk.next_sequence - 1)
        elif connection.is_writable:
            self.feed(connection)

    def _fetch(self, connection: Connection, sequence: int) -> None:
        """Have the archive bring a segment, aside from the batches; go on with a reader then."""

        def go_on(fetched: asyncio.Future[None]) -> None:
            error = fetched.exception()
            if error is None:
                self.feed(connection)
            else:
                connection.end(LinkError(ErrorCode.SEQUENCE_UNAVAILABLE, str(error)))

        fetching = self._loop.run_in_executor(None, self._journal.segments.fetch, sequence)
        fetching.add_done_callback(go_on)


def _pick(records: bytes, wanted: set[int]) -> dict[int, bytes]:
    """Return those of the packed records whose sequence is wanted."""
    picked: dict[int, bytes] = {}
    at = 0
    while at < len(records):
        _, size, sequence, _ = RECORD_HEADER.unpack_from(records, at)
        if sequence in wanted:
            picked[sequence] = records[at : at + size]
        at += size
    return picked

"""The journal's copy in a backup: what is new of the open segment, then each segment as a whole.

The open segment goes there in short spans, which are put together to longer ones as they become
many: a restore reads some dozens of objects for it, whether it was written in a second or in a
month. The full segment replaces them all.
"""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path
from typing import Final

import structlog

from matching.edge.archive import Archive, archive_of
from matching.edge.segment_tail import Position, read_tail
from matching.journal_format import SUFFIX, JournalDamagedError, scan_segment, segment_name
from matching.journal_spans import (
    PREFIX,
    Span,
    SpanMissingError,
    by_segment,
    chain,
    digest_of,
    whole_chain,
)
from objects.encrypted import EncryptedStore

SPAN_BYTES: Final = 4 << 20
SPANS_TOGETHER: Final = 32

log = structlog.get_logger("backup")


class BackupOfAnotherError(Exception):
    """What is kept there is of another journal, or of this one before it was set back."""


class JournalCopy:
    """Brings the copy up to the journal in `directory`, wherever it stands: `begin`, then `ship`.

    One process at a time may do so. Both raise `StoreFailedError`, and `OSError` where the
    journal's own files or its archive can't be read.
    """

    def __init__(self, directory: Path, store: EncryptedStore) -> None:
        self.last_sequence = 0
        self.taken_back_from: int | None = None
        """The first of the records that the journal lost, if `begin` found that it lost any."""
        self._directory = directory
        self._store = store
        self._archive: Archive | None = None
        self._kept: dict[int, list[Span]] = {}
        self._segment = 1
        self._chain: list[tuple[int, Span]] = []  # of the open segment, with how often put together

    def begin(self) -> None:
        """Find out where the copy stands. Raises `BackupOfAnotherError`.

        What a killed writer left of a span stays: an archive at the same place may be putting it.
        """
        self._archive = archive_of(self._directory)
        self._kept = by_segment(self._store.files(PREFIX))
        self._check_origin()
        try:
            links = whole_chain(self._kept)
        except SpanMissingError as error:
            log.error("the copy has a hole, which is filled", reason=str(error))  # noqa: TRY400
            self._segment = max((s for s in self._kept if s <= error.sequence), default=1)
            self._chain = []
            return
        if links:
            self._segment, self.last_sequence = links[-1].segment, links[-1].last
        for segment in self._kept:
            self._delete_replaced(segment)
        self._chain = [(0, span) for span in links if span.segment == self._segment]

    def ship(self) -> int:
        """Copy all that the journal has by now; return its last sequence."""
        while (follower := self._follower(self._segment)) is not None:
            self._ship_whole(self._segment, follower - 1)
            self._segment = follower
            self._chain = []
        while not self._ship_tail():
            pass
        return self.last_sequence

    def _check_origin(self) -> None:
        """Compare the newest of the copy with the journal.

        The very last span may differ: a machine that died had not synced it, and the journal went
        on without it.
        """
        newest = list(self._kept)[-2:]
        spans = [span for segment in newest for span in chain(self._kept[segment])]
        same = list(takewhile(self._is_in_journal, spans))
        if len(same) == len(spans):
            return
        if not same or len(same) < len(spans) - 1:
            raise BackupOfAnotherError(
                f"{spans[len(same)].name} is not what the journal in {self._directory} has: the "
                "backup is of another journal, or this one was set back; name another backup_url"
            )
        lost = spans[-1]
        self.taken_back_from = lost.first
        log.error("the journal lost what it had not synced", first=lost.first, last=lost.last)
        for span in self._kept[lost.segment]:
            if span.end > lost.offset:
                self._store.delete(span.name)
        self._kept[lost.segment] = [
            span for span in self._kept[lost.segment] if span.end <= lost.offset
        ]

    def _is_in_journal(self, span: Span) -> bool:
        try:
            with self._path(span.segment).open("rb") as file:
                file.seek(span.offset)
                data = file.read(span.size)
        except FileNotFoundError:
            return False
        return digest_of(data) == span.digest

    def _ship_whole(self, segment: int, last: int) -> None:
        path = self._path(segment)
        data = path.read_bytes()
        scan = scan_segment(data, segment)
        if scan.fault is not None or scan.last_sequence != last:
            fault = scan.fault or f"it ends with {scan.last_sequence}"
            raise JournalDamagedError(path.name, scan.end, scan.last_sequence + 1, fault)
        self._put(Span.of(segment, 0, data[: scan.end], segment, last), data[: scan.end])
        self._delete_replaced(segment)
        self.last_sequence = last

    def _ship_tail(self) -> bool:
        """Copy some of what was added to the open segment; say whether that was all."""
        position = Position(0, self._segment)
        if self._chain:
            position = Position(self._chain[-1][1].end, self._chain[-1][1].last + 1)
        path = self._directory / segment_name(self._segment)
        try:
            data, behind, is_all = read_tail(path, position, SPAN_BYTES)
        except FileNotFoundError:  # nothing has happened yet
            return True
        if not data:
            return True
        span = Span.of(
            self._segment,
            position.offset,
            data,
            position.next_sequence,
            behind.next_sequence - 1,
        )
        self._put(span, data)
        self._chain.append((0, span))
        self.last_sequence = span.last
        self._put_together()
        return is_all

    def _put_together(self) -> None:
        """Make one span of the last ones, where so many have been put together as often."""
        while True:
            times, newest = self._chain[-1]
            as_often = [link[0] == times for link in self._chain]
            count = sum(takewhile(bool, reversed(as_often)))
            if count < SPANS_TOGETHER:
                return
            oldest = self._chain[-count][1]
            with self._path(self._segment).open("rb") as file:
                file.seek(oldest.offset)
                data = file.read(newest.end - oldest.offset)
            span = Span.of(self._segment, oldest.offset, data, oldest.first, newest.last)
            self._put(span, data)
            self._chain[-count:] = [(times + 1, span)]
            self._delete_replaced(self._segment)

    def _put(self, span: Span, data: bytes) -> None:
        kept = self._kept.setdefault(span.segment, [])
        if span not in kept:
            self._store.put(span.name, [data])
            kept.append(span)

    def _delete_replaced(self, segment: int) -> None:
        """Delete a segment's spans that longer ones contain."""
        kept = self._kept.get(segment, [])
        wanted = chain(kept)
        for span in kept:
            if span not in wanted:
                self._store.delete(span.name)
        if wanted:
            self._kept[segment] = wanted

    def _path(self, segment: int) -> Path:
        """Return a file with a segment, wherever it lies by now."""
        name = segment_name(segment)
        path = self._directory / name
        if path.exists() or self._archive is None:
            return path
        return self._archive.fetch(name)

    def _follower(self, segment: int) -> int | None:
        """Return the first sequence of the segment behind one, if there is any."""
        there = [int(path.stem) for path in self._directory.glob("[0-9]" * 20 + SUFFIX)]
        if self._archive is not None and segment not in there:
            there += [int(name.removesuffix(SUFFIX)) for name in self._archive.sizes()]
        return min((number for number in there if number > segment), default=None)

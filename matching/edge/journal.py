"""The journal, written: one writer, one write and one fdatasync for all commands of a batch.

Segments are filled with zeros before they are used. Measured here for commits of 256 bytes and of
20 kB (write and fdatasync, p50): a growing file 0.15 and 0.22 ms, one from `posix_fallocate` 0.10
and 0.19 (its extents must be marked as written), a zero-filled one 0.11 and 0.11. Filling 64 MiB
takes 40 ms, so a thread of its own makes the next segment while the present one is used.

So a disk that runs full is noticed a segment ahead: the next one can't be made, and what is left of
the present one is space that nobody can take from us.
"""

from __future__ import annotations

import errno
import fcntl
import os
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

from matching.edge.archive import sync_directory
from matching.edge.segments import Chunk, Segment, Segments, TornTail
from matching.journal_format import (
    MARK_BYTES,
    SEGMENT_HEADER,
    pack_mark,
    pack_segment_header,
    segment_name,
)

Mode = Literal["fsync", "os"]

SEGMENT_BYTES: Final = 64 << 20
_SPARE_NAME = "spare.preparing"
_ZEROS = bytes(1 << 20)
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


class JournalLockedError(Exception):
    """Another process writes this journal."""


class JournalFailedError(Exception):
    """A write or sync failed. What is on disk is unknown, so the process must stop.

    A sync is never tried again: the kernel may have dropped the pages and would report success.
    """


class Journal:
    """The writer's end of the journal in `directory`, made if need be.

    Mode "fsync" makes a commit durable before `append` returns; "os" hands it to the operating
    system, so it survives a killed process but not a lost machine. A torn tail is cut on opening
    and told by `torn_tail`. Raises `JournalDamagedError` and `JournalLockedError`.

    With `scanned=False` only the lock is taken: the caller goes through `segments.scan`, whose
    records it wants anyway, and then calls `begin`.
    """

    def __init__(
        self,
        directory: Path,
        mode: Mode = "fsync",
        segment_bytes: int = SEGMENT_BYTES,
        *,
        scanned: bool = True,
    ) -> None:
        self.mode = mode
        self._directory = directory
        self._segment_bytes = segment_bytes
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = self._take_lock()
        self._failed = True  # until it has begun
        self._file = -1
        self._staged: bytes | None = None  # records
        self._staged_data = b""  # with their mark
        self._filler = ThreadPoolExecutor(1, "journal-filler")  # starts its thread when asked
        self._spare: Future[Path]
        self._spare_is_made = False
        try:
            (directory / _SPARE_NAME).unlink(missing_ok=True)
            self.segments = Segments(directory, scanned=scanned)
            if scanned:
                self.begin()
        except BaseException:
            os.close(self._lock)
            raise

    def begin(self) -> None:
        """Cut a torn tail, and be ready for `append`."""
        self._open_last()
        self._failed = False
        self._make_spare()

    def room(self, enough: int) -> int | None:
        """Return how many bytes of records it takes if the disk is full, None if it is not.

        It waits to know where less than `enough` is left of the present segment.
        """
        if self._spare_is_made:
            return None
        segment = self.segments.last
        left = max(segment.size - segment.end - MARK_BYTES, 0) if segment is not None else 0
        if self._staged is not None:
            left = max(left - len(self._staged_data), 0)
        if left < enough:
            self._spare.exception()
        if self._lacks_space():
            return left
        self._spare_is_made = self._spare.done()
        return None

    def look_for_space(self) -> None:
        """Make the next segment after all, if there is space for it by now."""
        if self._lacks_space() and self.free_bytes() >= self._segment_bytes:
            self._make_spare()

    def free_bytes(self) -> int:
        """Return what is free on the journal's disk."""
        disk = os.statvfs(self._directory)
        return disk.f_bavail * disk.f_frsize

    @property
    def torn_tail(self) -> TornTail | None:
        return self.segments.torn_tail

    @property
    def first_sequence(self) -> int:
        return self.segments.first_sequence

    @property
    def last_sequence(self) -> int:
        """The last durable sequence, 0 for an empty journal."""
        return self.segments.last_sequence

    def read(self, from_sequence: int, bytes_max: int) -> Chunk:
        """Return durable records; see `Segments.read`."""
        return self.segments.read(from_sequence, bytes_max)

    def append(self, records: bytes) -> None:
        """Make the next records, back to back, durable in one group commit.

        Raises `JournalFailedError` or `OSError`; the journal takes nothing after that.
        """
        self.stage(records)
        self._sync()
        self.settle_staged()

    def stage(self, records: bytes) -> None:
        """Take the next records, for `sync_staged` and then `settle_staged`; raises like `append`.

        The three are the steps of `append`. Between them readers see nothing of the records, and
        nothing else may be appended.
        """
        if self._failed:
            raise JournalFailedError("the journal has failed before")
        self._failed = True  # until it is known that it has not
        segment = self.segments.last
        data = pack_mark(segment.last_sequence + 1 if segment is not None else 1) + records
        if segment is None or segment.end + len(data) > segment.size:
            self._roll(len(data))
        self._staged, self._staged_data = records, data

    def sync_staged(self) -> None:
        """Write and sync what is staged; the one step that a thread of its own may take."""
        self._sync()

    def settle_staged(self) -> None:
        """Let readers have what is durable now."""
        assert self._staged is not None
        segment = self.segments.last
        assert segment is not None
        segment.extend(self._staged)
        self._staged, self._staged_data = None, b""
        self._failed = False

    def close(self) -> None:
        """End the journal with a mark, and let go of it."""
        if self._lock == -1:
            return
        segment = self.segments.last
        mark = pack_mark(self.last_sequence + 1)
        try:
            if not self._failed and segment and segment.end + len(mark) <= segment.size:
                self._write(mark, segment.end)
        finally:
            self._failed = True
            self._filler.shutdown()
            with suppress(OSError):
                (self._directory / _SPARE_NAME).unlink(missing_ok=True)
            if self._file != -1:
                os.close(self._file)
            os.close(self._lock)
            self._lock = self._file = -1

    def _lacks_space(self) -> bool:
        """Say whether the next segment is known to have found no space."""
        error = self._spare.exception() if self._spare.done() else None
        return isinstance(error, OSError) and error.errno in _NO_SPACE

    def _take_lock(self) -> int:
        lock = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise JournalLockedError(f"another process writes {self._directory}") from None
        return lock

    def _open_last(self) -> None:
        last = self.segments.last
        if last is None:
            return
        self._file = os.open(last.path, os.O_RDWR | os.O_CLOEXEC)
        # What a killed process had written but not synced was read as whole: make it so.
        self._write(bytes(last.size - last.end) if self.torn_tail else b"", last.end)

    def _roll(self, commit_bytes: int) -> None:
        """Start the next segment, large enough for a commit of so many bytes."""
        spare = self._spare.result()
        size = self._segment_bytes
        if SEGMENT_HEADER.size + commit_bytes > size:
            size = SEGMENT_HEADER.size + commit_bytes
            spare = self._fill(size)
        first_sequence = self.last_sequence + 1
        path = self._directory / segment_name(first_sequence)
        if self._file != -1:
            os.close(self._file)
        self._file = os.open(spare, os.O_RDWR | os.O_CLOEXEC)
        self._write(pack_segment_header(first_sequence), 0)
        spare.rename(path)
        self._sync_directory()
        self.segments.add(Segment(path, first_sequence, size))
        self._make_spare()

    def _make_spare(self) -> None:
        self._spare = self._filler.submit(self._fill, self._segment_bytes)
        self._spare_is_made = False

    def _fill(self, size: int) -> Path:
        path = self._directory / _SPARE_NAME
        if self.free_bytes() < size:  # to fill it up would only harm others
            raise OSError(errno.ENOSPC, f"no space for {size} bytes", str(path))
        try:
            with path.open("wb", buffering=0) as file:
                left = size
                while left:
                    left -= file.write(_ZEROS[:left])
                if self.mode == "fsync":
                    os.fsync(file.fileno())
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return path

    def _sync(self) -> None:
        segment = self.segments.last
        assert segment is not None
        self._write(self._staged_data, segment.end)

    def _write(self, data: bytes, offset: int) -> None:
        written = os.pwrite(self._file, data, offset)
        if written != len(data):
            raise JournalFailedError(f"only {written} of {len(data)} bytes were written")
        if self.mode == "fsync":
            os.fdatasync(self._file)

    def _sync_directory(self) -> None:
        if self.mode == "fsync":
            sync_directory(self._directory)

"""The newest part of the stream in files, so that a killed handler forgets nothing.

A batch is written before anyone sees it, without a sync: it outlives the process at the price of a
write, and after a lost machine the queue knows better. From here the next process has the last
number used, the events that subscribers may resume from, those that the queue has not got yet, and
which of the firm's own events it has.

A file `stream-<number before its first event>.log` holds frames (`trading.stream.frames`): the map
`{"version": 1, "last": N, "known": BYTES}`, what `Admission.snapshot` said there, and then arrays
of events. The newest two are kept.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import msgspec
import structlog

from trading.events import AnyEvent
from trading.feeds.batch import Batch
from trading.stream.frames import FrameError, FrameSplitter, frame

VERSION = 1
FILE_EVENTS = 2**17
FILE_BYTES = 64 * 2**20
FILES_KEPT = 2

log = structlog.get_logger("feeds")

_decode = msgspec.msgpack.Decoder(list[AnyEvent]).decode


class Head(msgspec.Struct):
    """A file's first frame: what there was before its events."""

    version: int
    last: int
    known: bytes


class Recovered(NamedTuple):
    """What a log has: the newest file's head, and the events of all files, in order."""

    head: Head
    events: list[AnyEvent]
    newest: int
    """How many of the events are in the newest file: what its head does not know."""

    @property
    def last(self) -> int:
        return self.events[-1].stream_sequence if self.events else self.head.last


class StreamLog:
    """Appends to the newest file of `directory`, once it is open."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file: io.FileIO | None = None
        self._events = self._bytes = 0

    @property
    def is_open(self) -> bool:
        return self._file is not None

    @property
    def is_full(self) -> bool:
        """Say whether it is time to `begin` another file."""
        return self._events >= FILE_EVENTS or self._bytes >= FILE_BYTES

    def recover(self) -> Recovered:
        """Return what there is, and open the newest file if it can be gone on with.

        What a crash left unfinished is cut off: nobody has seen it. Raises `OSError`.
        """
        recovered = Recovered(Head(VERSION, 0, b""), [], 0)
        for path in self._files():
            self.close()
            found = _read(path)
            if found is None:
                continue
            head, events, size_bytes = found
            known = recovered.events if recovered.last == head.last else []
            known += events
            recovered = Recovered(head, known, len(events))
            self._file = path.open("ab", buffering=0)
            self._file.truncate(size_bytes)
            self._events, self._bytes = len(events), size_bytes
        return recovered

    def begin(self, last: int, known: bytes) -> None:
        """Go on in a new file behind event `last`. Raises `OSError`."""
        self.close()
        path = self._directory / f"stream-{last:020}.log"
        head = frame(msgspec.msgpack.encode(Head(VERSION, last, known)))
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_bytes(head)
        unfinished.replace(path)
        self._file = path.open("ab", buffering=0)
        self._events, self._bytes = 0, len(head)
        for older in self._files()[:-FILES_KEPT]:
            older.unlink()

    def append(self, batch: Batch) -> None:
        """Keep the batch. Raises `OSError`: it is not kept, and neither will be what comes next."""
        assert self._file is not None
        written = self._file.write(batch.framed)
        if written != len(batch.framed):
            raise OSError(f"{written} of {len(batch.framed)} bytes written")
        self._events += len(batch.encoded)
        self._bytes += written

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _files(self) -> list[Path]:
        return sorted(self._directory.glob("stream-*.log"))


def _read(path: Path) -> tuple[Head, list[AnyEvent], int] | None:
    """Return a file's head, its events, and the bytes of these; None if no head is there."""
    try:
        payloads = FrameSplitter().feed(path.read_bytes())
        head = msgspec.msgpack.decode(payloads[0] if payloads else b"", type=Head)
    except (FrameError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        log.warning("stream log is damaged", path=path.name, reason=str(error))
        return None
    events: list[AnyEvent] = []
    last, size_bytes = head.last, len(frame(payloads[0]))
    for payload in payloads[1:]:
        try:
            batch = _decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            break
        if not batch or batch[0].stream_sequence != last + 1:
            break
        events += batch
        last = batch[-1].stream_sequence
        size_bytes += len(frame(payload))
    return head, events, size_bytes

"""A handler's inputs in a file, and such a file as a source.

A line is a JSON array: kind of input, number of the source, received_ns, symbol, and the bytes as
text, a character for each byte (ISO 8859-1). The first line is `{"agio_feed_recording":3}`.

History
-------
3   FIX messages are inputs, too; a recording of version 2 is still read.
2   Own events and the clock are inputs, too.
1   The first version.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import structlog

from trading.feeds.edge.sources import Receive
from trading.feeds.handler import Input, InputKind, Question

HEADER = b'{"agio_feed_recording":3}\n'
READABLE = {HEADER, b'{"agio_feed_recording":2}\n'}
FILE_BYTES_MAX = 2**30
LINE_BYTES_MAX = 64 * 2**20
BATCH = 100

log = structlog.get_logger("feeds")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[InputKind, int, int, str, str]).decode


class RecordingError(ValueError):
    """A file that is no recording; names the line."""


class Recorder:
    """Writes inputs to a new file until it has `FILE_BYTES_MAX`. Raises `OSError`."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb")
        self._bytes = self._file.write(HEADER)

    def write(self, inputs: Sequence[Input]) -> None:
        if self._bytes > FILE_BYTES_MAX:
            return
        for kind, source, received_ns, symbol, data in inputs:
            line = _encode((kind, source, received_ns, symbol, data.decode("latin-1")))
            self._bytes += self._file.write(line + b"\n")
        if self._bytes > FILE_BYTES_MAX:
            log.warning("recording is full", bytes=self._bytes)

    def close(self) -> None:
        self._file.close()


def read_recording(path: Path) -> Iterator[Input]:
    """Give the inputs. Raises `RecordingError` or `OSError`."""
    with path.open("rb") as file:
        if file.readline(len(HEADER)) not in READABLE:
            raise RecordingError(f"{path}: line 1 is not {HEADER.decode().strip()}")
        number = 1
        while line := file.readline(LINE_BYTES_MAX):
            number += 1
            try:
                kind, source, received_ns, symbol, text = _decode(line)
                data = text.encode("latin-1")
            except (msgspec.MsgspecError, UnicodeError) as error:
                raise RecordingError(f"{path}: line {number}: {error}") from None
            yield Input(kind, source, received_ns, symbol, data)


class RecordedSource:
    """Plays a recording: as fast as it goes, or at `speed` times the pace of then.

    It keeps the times and the numbers of the sources that it was recorded from.
    """

    is_live = False

    def __init__(self, path: Path, speed: float | None, receive: Receive) -> None:
        self._path = path
        self._speed = speed
        self._receive = receive

    async def run(self) -> None:
        """Bring all of it. Raises `RecordingError` or `OSError`."""
        began_s = time.monotonic()
        first_ns: int | None = None
        batch: list[Input] = []
        for each in read_recording(self._path):
            if first_ns is None:
                first_ns = each.received_ns
            due_s = 0.0
            if self._speed is not None:
                played_s = (each.received_ns - first_ns) / 1e9 / self._speed
                due_s = began_s + played_s - time.monotonic()
            if due_s > 0 or len(batch) >= BATCH:
                self._receive(batch)
                batch = []
                await asyncio.sleep(max(due_s, 0))
            batch.append(each)
        self._receive(batch)
        log.info("recording ended", path=str(self._path))

    async def ask(self, question: Question) -> None:
        """Do nothing: the answers are in the recording."""

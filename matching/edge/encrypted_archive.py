"""An archive of segments in an encrypted store, laid out as a backup's journal is.

So a journal's archive and its backup may be one place, and no segment lies there twice.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from matching.journal_format import segment_name
from matching.journal_spans import PREFIX, Span, by_segment
from objects.encrypted import (
    EncryptedError,
    EncryptedStore,
    FileDamagedError,
    open_encrypted,
    read_secret,
)
from objects.store import StoreFailedError, open_store

FETCHED_MAX: Final = 8
"""How many segments, once fetched, are kept at hand."""


class EncryptedArchive:
    """An archive at a store's URL. Nothing is asked of the store before a method is called."""

    def __init__(self, url: str, key_file: Path, fetched: Path) -> None:
        self._url = url
        self._key_file = key_file
        self._fetched = fetched
        self._store: EncryptedStore | None = None
        self._segments: dict[str, tuple[Span, int]] = {}

    def sizes(self) -> dict[str, int]:
        with _as_os_errors():
            self._list()
        return {name: span.size for name, (span, _) in self._segments.items()}

    def put(self, name: str, last_sequence: int, data: bytes) -> None:
        segment = int(Path(name).stem)
        span = Span.of(segment, 0, data, segment, last_sequence)
        with _as_os_errors():
            files = self._open().files(f"{PREFIX}{segment:020d}/")
            if span.name not in files:
                self._open().put(span.name, [data])

    def fetch(self, name: str) -> Path:
        path = self._fetched / name
        if path.exists():
            return path
        with _as_os_errors():
            if name not in self._segments:
                self._list()
            if name not in self._segments:
                raise FileNotFoundError(f"{name} is not in {self._url}")
            span, parts = self._segments[name]
            self._fetched.mkdir(mode=0o700, exist_ok=True)
            self._make_room()
            unfinished = path.with_suffix(f".{os.getpid()}.unfinished")
            try:
                with unfinished.open("wb") as file:
                    for piece in self._open().read(span.name, parts):
                        file.write(piece)
                unfinished.rename(path)
            finally:
                unfinished.unlink(missing_ok=True)
        return path

    def _open(self) -> EncryptedStore:
        if self._store is None:
            secret = read_secret(self._key_file)
            self._store = open_encrypted(open_store(self._url), secret, create=True)
        return self._store

    def _list(self) -> None:
        """Find for each segment the longest span from its start."""
        files = self._open().files(PREFIX)
        starts = (
            max((span for span in spans if span.offset == 0), key=lambda s: s.size, default=None)
            for spans in by_segment(files).values()
        )
        self._segments = {
            segment_name(span.segment): (span, files[span.name])
            for span in starts
            if span is not None
        }

    def _make_room(self) -> None:
        """Remove what was fetched longest ago. Who wants it again fetches it again."""
        known = sorted(self._fetched.iterdir(), key=lambda path: path.stat().st_mtime)
        for path in known[: max(len(known) + 1 - FETCHED_MAX, 0)]:
            path.unlink(missing_ok=True)


@contextmanager
def _as_os_errors() -> Iterator[None]:
    try:
        yield
    except (StoreFailedError, EncryptedError, FileDamagedError) as error:
        raise OSError(str(error)) from error

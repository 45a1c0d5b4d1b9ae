"""The venue's other files in a backup: FIX sessions' messages and numbers, the configuration.

A file is cut into chunks of 1 MiB, each kept once under its SHA-256. A session's file only grows,
so of one that has grown only the end is read and put again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from agio.backup.contents import CHUNKS
from objects.encrypted import EncryptedStore, FileDamagedError

CHUNK_BYTES: Final = 1 << 20
UNFINISHED: Final = ".new"


class FileEntry(msgspec.Struct, frozen=True, array_like=True):
    """A file, by its path in the data directory, and the SHA-256 of each of its chunks.

    `modified_ns` is the machine's own time; 0 is unknown.
    """

    path: str
    size: int
    chunks: list[str]
    modified_ns: int = 0


class _Seen(NamedTuple):
    inode: int
    size: int
    modified_ns: int
    chunks: list[str]


class FileCopy:
    """Copies what changes under `data`, and `texts` by their names."""

    def __init__(self, data: Path, texts: dict[str, str], store: EncryptedStore) -> None:
        self._data = data
        self._texts = texts
        self._store = store
        self._seen: dict[Path, _Seen] = {}
        self._known_chunks = set(store.files(CHUNKS))

    def forget_chunks(self) -> None:
        """Look again which chunks there are, since some were deleted."""
        self._known_chunks = set(self._store.files(CHUNKS))

    def put_chunks(self) -> bytes:
        """Put the chunks that are new; return the list of all files."""
        entries = [self._text(name, text) for name, text in self._texts.items()]
        for path in _files(self._data):
            try:
                entries.append(self._file(path))
            except FileNotFoundError:  # it was replaced just now: next time
                continue
        return msgspec.msgpack.encode(entries)

    def _text(self, name: str, text: str) -> FileEntry:
        data = text.encode()
        return FileEntry(name, len(data), [self._put_chunk(data)])

    def _file(self, path: Path) -> FileEntry:
        relative = path.relative_to(self._data).as_posix()
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            seen = self._seen.get(path)
            state = (status.st_ino, status.st_size, status.st_mtime_ns)
            if seen is not None and seen[:3] == state:
                return FileEntry(relative, seen.size, seen.chunks, seen.modified_ns)
            chunks: list[str] = []
            if seen is not None and seen.inode == status.st_ino and seen.size < status.st_size:
                # A record that a crash cut short is cut off: the last whole chunk may change, too.
                chunks = seen.chunks[: max(seen.size // CHUNK_BYTES - 1, 0)]
            file.seek(len(chunks) * CHUNK_BYTES)
            size = file.tell()
            while size < status.st_size and (
                data := file.read(min(CHUNK_BYTES, status.st_size - size))
            ):
                chunks = [*chunks, self._put_chunk(data)]
                size += len(data)
        self._seen[path] = _Seen(status.st_ino, size, status.st_mtime_ns, chunks)
        return FileEntry(relative, size, chunks, status.st_mtime_ns)

    def _put_chunk(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        name = f"{CHUNKS}{digest}"
        if name not in self._known_chunks:
            self._store.put(name, [data])
            self._known_chunks.add(name)
        return digest


def chunk_names(listed: bytes) -> set[str]:
    """Return the chunks that a list of files needs."""
    return {f"{CHUNKS}{digest}" for entry in _entries(listed) for digest in entry.chunks}


def write_files(lists: Sequence[tuple[EncryptedStore, bytes]], data: Path) -> int:
    """Write the files of all lists under `data`; return how many. Raises `FileDamagedError`.

    A session's directory that several have, since its client went from one gateway to another,
    comes from where it was written to last.
    """
    latest: dict[str, tuple[int, int]] = {}
    for number, (_, listed) in enumerate(lists):
        for entry in _entries(listed):
            directory = entry.path.rpartition("/")[0]
            written = entry.modified_ns, number
            latest[directory] = max(latest.get(directory, written), written)
    count = 0
    for number, (store, listed) in enumerate(lists):
        for entry in _entries(listed):
            if latest[entry.path.rpartition("/")[0]][1] == number:
                _write(store, entry, data)
                count += 1
    return count


def _write(store: EncryptedStore, entry: FileEntry, data: Path) -> None:
    path = data / entry.path
    if not path.resolve().is_relative_to(data.resolve()):
        raise FileDamagedError(f"a file of the path {entry.path}")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("wb") as file:
        for digest in entry.chunks:
            for piece in store.read(f"{CHUNKS}{digest}", 1):
                file.write(piece)
        if file.tell() != entry.size:
            raise FileDamagedError(f"{entry.path}: {file.tell()} bytes, not {entry.size}")
        file.flush()
        os.fsync(file.fileno())


def _entries(listed: bytes) -> list[FileEntry]:
    return msgspec.msgpack.decode(listed, type=list[FileEntry])


def _files(data: Path) -> Iterator[Path]:
    failed = data / "journal" / "failed-commands"
    if failed.exists():
        yield failed
    for path in sorted((data / "gateway").rglob("*")):
        if path.is_file() and not path.name.endswith(UNFINISHED):
            yield path

"""Objects as files of a directory: written aside, synced, renamed."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from objects.store import ConflictError, Stored, StoreFailedError

UNFINISHED = ".unfinished-"  # a dot hides it from those who read a folder of Parquet


class DirectoryStore:
    def __init__(self, root: Path) -> None:
        self._root = root

    def get(self, key: str) -> Stored | None:
        with _failures_named(key):
            try:
                data = (self._root / key).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None
        return Stored(data, _version(data))

    def put(self, key: str, data: bytes) -> None:
        path = self._root / key
        unfinished = path.with_name(UNFINISHED + path.name)
        with _failures_named(key):
            _make_directory(path.parent)
            with unfinished.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
            _sync_directory(path.parent)

    def put_if(self, key: str, data: bytes, version: str | None) -> str:
        with _failures_named(key):
            _make_directory(self._root)
            with (self._root / ".lock").open("wb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                present = self.get(key)
                if (present.version if present else None) != version:
                    raise ConflictError(f"{key} was changed by another")
                self.put(key, data)
        return _version(data)

    def keys(self, prefix: str) -> Iterator[str]:
        with _failures_named(prefix):
            for path in (self._root / prefix).rglob("*"):
                if path.is_file() and not path.name.startswith(UNFINISHED):
                    yield path.relative_to(self._root).as_posix()

    def delete(self, key: str) -> None:
        with _failures_named(key):
            path = self._root / key
            path.unlink(missing_ok=True)
            path.with_name(UNFINISHED + path.name).unlink(missing_ok=True)


def _version(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _make_directory(path: Path) -> None:
    """Make the directory and those above it, each durable."""
    if not path.is_dir():
        _make_directory(path.parent)
        path.mkdir(exist_ok=True)
        _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _failures_named(key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreFailedError(f"{key}: {error}") from error

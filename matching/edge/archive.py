"""Where old segments go: a place that is cheaper than the journal's disk, and may be slower.

A journal has an archive where the file `archive` in its directory holds the archive's URL and, for
one that is encrypted, the path of the file with its key. So all who open the journal find its old
segments, wherever these are.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

from matching.journal_format import SUFFIX, JournalDamagedError, scan_segment

_URL_FILE: Final = "archive"
_UNFINISHED: Final = ".unfinished"
_FETCHED: Final = "fetched"


class Archive(Protocol):
    """A place of segments, by their names. Methods raise `OSError`."""

    def sizes(self) -> dict[str, int]:
        """Return each whole segment's size in bytes, by its name."""

    def put(self, name: str, last_sequence: int, data: bytes) -> None:
        """Keep a segment, durably and whole or not at all; the same one again does no harm."""

    def fetch(self, name: str) -> Path:
        """Return a file with a segment, which may take its time; `FileNotFoundError` if none."""


class DirectoryArchive:
    """An archive on another file system."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def sizes(self) -> dict[str, int]:
        return {
            path.name: path.stat().st_size
            for path in sorted(self._directory.iterdir())
            if path.name.endswith(SUFFIX)
        }

    def put(self, name: str, last_sequence: int, data: bytes) -> None:  # noqa: ARG002 (the seam's)
        for left_behind in self._directory.glob(f"{name}.*{_UNFINISHED}"):  # by one that was killed
            left_behind.unlink(missing_ok=True)
        unfinished = self._directory / f"{name}.{os.getpid()}{_UNFINISHED}"
        try:
            with unfinished.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(self._directory / name)
            sync_directory(self._directory)
        finally:
            unfinished.unlink(missing_ok=True)

    def fetch(self, name: str) -> Path:
        path = self._directory / name
        path.stat()
        return path


def parse_archive_url(url: str, key_file: Path | None, fetched: Path) -> Archive:
    """Return the archive at a URL, `file:///DIRECTORY` or `s3://BUCKET[/PREFIX]`.

    That on S3 is encrypted with the key in `key_file`; what is fetched from there is kept in the
    directory `fetched` for a while. Raises `ValueError`.
    """
    parts = urlsplit(url)
    if parts.scheme == "s3" and key_file is not None:
        from matching.edge.encrypted_archive import EncryptedArchive

        return EncryptedArchive(url, key_file, fetched)
    if parts.scheme == "s3":
        raise ValueError(f"archive {url!r} needs a key")
    if parts.scheme != "file" or parts.netloc or not parts.path:
        raise ValueError(f"archive {url!r} is neither file:///DIRECTORY nor s3://BUCKET[/PREFIX]")
    return DirectoryArchive(Path(unquote(parts.path)))


def name_archive(journal_directory: Path, url: str, key_file: Path | None = None) -> None:
    """Let a journal have its archive at a URL. What another one holds has to be moved there.

    Raises `ValueError` for what is no URL of an archive, and `OSError`.
    """
    parse_archive_url(url, key_file, journal_directory)
    journal_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = journal_directory / _URL_FILE
    text = f"{url}\n" if key_file is None else f"{url}\n{key_file}\n"
    if path.exists() and path.read_text() == text:
        return
    unfinished = path.with_suffix(_UNFINISHED)
    unfinished.write_text(text)
    unfinished.rename(path)
    sync_directory(journal_directory)


def archive_of(journal_directory: Path) -> Archive | None:
    """Return a journal's archive, if it has one. Raises `ValueError`."""
    path = journal_directory / _URL_FILE
    if not path.exists():
        return None
    url, *key_files = path.read_text().splitlines()
    key_file = Path(key_files[0]) if key_files else None
    return parse_archive_url(url, key_file, journal_directory / _FETCHED)


def archive_segment(path: Path, first_sequence: int, last_sequence: int, archive: Archive) -> None:
    """Move a segment of these records to the archive; killed at any point, it is in one of both.

    Raises `JournalDamagedError` for one that is not whole, which stays where it is, and `OSError`.
    """
    data = path.read_bytes()
    scan = scan_segment(data, first_sequence)
    if scan.fault is not None or scan.last_sequence != last_sequence:
        fault = scan.fault or f"it ends with {scan.last_sequence}"
        raise JournalDamagedError(path.name, scan.end, scan.last_sequence + 1, fault)
    archive.put(path.name, last_sequence, data[: scan.end])  # without the zeros that fill it up
    path.unlink(missing_ok=True)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

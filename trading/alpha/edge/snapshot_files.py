"""A generator's snapshots on disk: `SEQUENCE.snapshot`, a BLAKE2b digest and the state.

Instances of one run may share a directory: what two write under one name are the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import structlog

KEPT = 2
DIGEST_BYTES = 32

log = structlog.get_logger("alpha")


class SnapshotFiles:
    """The newest `KEPT` snapshots, in a directory that is made where it is missing."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def save(self, sequence: int, state: bytes) -> None:
        """Write a snapshot, whole or not at all, and forget old ones. Raises `OSError`."""
        path = self._directory / f"{sequence:020}.snapshot"
        unfinished = path.with_suffix(f".{os.getpid()}")
        with unfinished.open("wb") as file:
            file.write(blake2b(state, digest_size=DIGEST_BYTES).digest() + state)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
        for old in self._paths()[KEPT:]:
            old.unlink(missing_ok=True)

    def newest_first(self) -> Iterator[bytes]:
        """Give the states; files that are damaged are named and passed over."""
        for path in self._paths():
            content = path.read_bytes()
            digest, state = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
            if digest == blake2b(state, digest_size=DIGEST_BYTES).digest():
                yield state
            else:
                log.warning("snapshot damaged", file=path.name)

    def _paths(self) -> list[Path]:
        return sorted(self._directory.glob("*.snapshot"), reverse=True)

"""Snapshots as files beside the journal's: written so that a crash leaves a whole one or none."""

from __future__ import annotations

import os
from pathlib import Path

import google_crc32c

from matching.core.engine import Engine
from matching.edge.archive import sync_directory
from matching.sequencer import Sequencer
from matching.snapshot_format import (
    HEADER,
    SUFFIX,
    Restored,
    SnapshotHeader,
    SnapshotUnusableError,
    pack_body,
    pack_header,
    snapshot_name,
    unpack_snapshot,
)

_UNFINISHED = ".unfinished"


def snapshot_paths(directory: Path) -> list[Path]:
    """Return the snapshots in a directory, the newest first."""
    return sorted(directory.glob("[0-9]" * 20 + SUFFIX), reverse=True)


def read_snapshot(path: Path) -> Restored:
    """Return the state of a snapshot. Raises `SnapshotUnusableError` and nothing else."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SnapshotUnusableError(str(error)) from error
    restored = unpack_snapshot(data)
    if path.name != snapshot_name(restored.header.sequence):
        raise SnapshotUnusableError(f"its header says {restored.header.sequence}")
    return restored


def write_snapshot(
    directory: Path, engine: Engine, sequencer: Sequencer, record_crc32c: int
) -> Path:
    """Write a snapshot and make it durable; `record_crc32c` is the last record's.

    Raises `OSError`; then there is no such snapshot, nor anything left of it.
    """
    path = directory / snapshot_name(engine.sequence)
    unfinished = path.with_suffix(f".{os.getpid()}{_UNFINISHED}")
    try:
        with unfinished.open("wb") as file:
            file.write(bytes(HEADER.size))
            crc = size = 0
            for piece in pack_body(engine, sequencer):
                file.write(piece)
                crc = google_crc32c.extend(crc, piece)
                size += len(piece)
            header = SnapshotHeader(
                engine.sequence,
                record_crc32c,
                crc,
                size,
                len(engine.state.accounts),
                engine.open_order_count,
                engine.state_hash(),
            )
            file.seek(0)
            file.write(pack_header(header))
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
        sync_directory(directory)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return path


def remove_unfinished(directory: Path) -> None:
    """Remove what killed writers left. One that still writes fails, which does no harm."""
    for path in directory.glob("*" + _UNFINISHED):
        path.unlink(missing_ok=True)


def keep_only(directory: Path, wanted: set[Path | None]) -> None:
    """Remove all other snapshots."""
    for path in snapshot_paths(directory):
        if path not in wanted:
            path.unlink(missing_ok=True)
    sync_directory(directory)

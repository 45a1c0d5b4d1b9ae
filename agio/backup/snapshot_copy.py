"""The engine's snapshots in a backup: a restore replays what is behind the newest one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import google_crc32c

from agio.backup.contents import SNAPSHOT, Copy
from matching.edge.snapshots import snapshot_paths
from matching.snapshot_format import HEADER, SnapshotUnusableError, unpack_header

PIECE_BYTES: Final = 1 << 20


def snapshots_there(directory: Path) -> dict[Copy, Path]:
    """Return the snapshots of the journal in `directory`, the newest first."""
    found = {}
    for path in snapshot_paths(directory):
        try:
            taken_ms = path.stat().st_mtime_ns // 1_000_000
        except FileNotFoundError:  # a newer one has replaced it
            continue
        found[Copy(SNAPSHOT, int(path.stem), taken_ms)] = path
    return found


def checked_pieces(path: Path) -> Iterator[bytes]:
    """Yield a snapshot's bytes. Raises `SnapshotUnusableError` where they are not what it says."""
    with path.open("rb") as file:
        first = file.read(HEADER.size)
        header = unpack_header(first)
        yield first
        crc = size = 0
        while piece := file.read(PIECE_BYTES):
            crc = google_crc32c.extend(crc, piece)
            size += len(piece)
            yield piece
    if (size, crc) != (header.body_bytes, header.body_crc32c):
        raise SnapshotUnusableError(f"{path.name} is damaged")

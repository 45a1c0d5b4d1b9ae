"""The last stream_sequence used, where the next process finds it.

Eight bytes of a mapped file: written with every batch, before anyone sees it, at the price of a
store. They outlive a killed process; after a lost machine the queue knows better.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

_LAST = struct.Struct("<q")


class SequenceFile:
    """`last` of a new file is 0. Raises `OSError`."""

    def __init__(self, path: Path) -> None:
        if not path.exists() or path.stat().st_size != _LAST.size:
            path.write_bytes(_LAST.pack(0))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _LAST.size)

    @property
    def last(self) -> int:
        last: int = _LAST.unpack_from(self._map)[0]
        return last

    def save(self, last: int) -> None:
        _LAST.pack_into(self._map, 0, last)

    def close(self) -> None:
        self._map.flush()
        self._map.close()

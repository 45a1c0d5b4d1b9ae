"""A number that several processes raise, and read without asking the kernel."""

from __future__ import annotations

import fcntl
import mmap
import os
from pathlib import Path

_BYTES = 8


class SharedCounter:
    """It is in `file`, which every process maps; it begins with 0. Raises `OSError`."""

    def __init__(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        os.truncate(self._descriptor, _BYTES)
        self._number = memoryview(mmap.mmap(self._descriptor, _BYTES)).cast("Q")

    @property
    def value(self) -> int:
        return self._number[0]

    def add_one(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            self._number[0] += 1
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

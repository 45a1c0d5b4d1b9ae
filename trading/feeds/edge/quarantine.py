"""Where messages end that did not fit: a file to look at, and never further.

A line is a JSON object: `reason`, `text`, `received_ns`, `schema` (the version that it failed),
`data` (the bytes as received, in base64) and, where only the first of them were kept, `bytes` (how
many there were).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from trading.feeds import schema
from trading.feeds.rejects import Rejected

FILE_BYTES_MAX = 16 * 2**20
FILES_KEPT = 4
DATA_BYTES_MAX = 64 * 1024


class Quarantine:
    """Appends to `path`. Full, it becomes `path`.1, what was that `path`.2; the oldest goes.

    Raises `OSError`.
    """

    def __init__(self, path: Path, file_bytes_max: int = FILE_BYTES_MAX) -> None:
        self._path = path
        self._file_bytes_max = file_bytes_max
        self._open()

    def put(self, rejected: Iterable[Rejected]) -> None:
        for each in rejected:
            line = _line(each)
            if self._bytes and self._bytes + len(line) > self._file_bytes_max:
                self._rotate()
            self._bytes += self._file.write(line)
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def _open(self) -> None:
        self._file = self._path.open("ab")
        self._bytes = self._file.tell()

    def _rotate(self) -> None:
        for number in range(FILES_KEPT - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))
        full = self._file
        self._open()  # before the full one is closed: where it fails, that is still there
        full.close()
        self._numbered(FILES_KEPT).unlink(missing_ok=True)

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _line(rejected: Rejected) -> bytes:
    fields: dict[str, Any] = {
        "reason": rejected.reason,
        "text": rejected.text,
        "received_ns": rejected.received_ns,
        "schema": schema.VERSION,
        "data": b64encode(rejected.data[:DATA_BYTES_MAX]).decode(),
    }
    if len(rejected.data) > DATA_BYTES_MAX:
        fields["bytes"] = len(rejected.data)
    return msgspec.json.encode(fields) + b"\n"

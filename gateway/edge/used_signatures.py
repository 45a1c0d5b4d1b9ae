"""Signatures that have opened a session: none opens another, not even after a restart.

The file holds 40 bytes each: SHA-256 of the signature, and until when in nanoseconds UTC (little
endian) it could be used again if nobody remembered it. After that its SendingTime(52) is too old.

Gateways that share their sessions share the file: each reads what the others have written before it
lets a signature pass. A lock on the directory lets one at a time do so.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

_ENTRY = struct.Struct("<32sQ")
_OPEN = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
_COMPACTED_AT = 10_000
"""How many entries the file may have, beyond those in force, before it is written anew."""


log = structlog.get_logger("gateway")


class UsedSignatures:
    """The signatures in force, in memory and in `file`. Methods raise `OSError`."""

    def __init__(self, file: Path, now_ns: int) -> None:
        self._file = file
        self._until_ns: dict[bytes, int] = {}
        self._lock = os.open(file.parent, os.O_RDONLY | os.O_CLOEXEC)
        self._entries = os.open(file, _OPEN, 0o666)
        self._read_bytes = 0
        with self._alone():
            self._read()
            self._compact(now_ns)

    def use(self, signature: bytes, until_ns: int, now_ns: int) -> bool:
        """Note a signature; return whether it had not been used before."""
        digest = hashlib.sha256(signature).digest()
        with self._alone():
            self._read()
            if digest in self._until_ns:
                return False
            self._append(_ENTRY.pack(digest, until_ns))
            self._until_ns[digest] = until_ns
            if self._read_bytes >= self._compacted_at:
                self._compact(now_ns)
        return True

    def close(self) -> None:
        os.close(self._entries)
        os.close(self._lock)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other gateways out, for the time of some system calls."""
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _read(self) -> None:
        """Take in what has been written since the last time, by whomever."""
        if self._file.stat().st_ino != os.fstat(self._entries).st_ino:  # another one compacted it
            os.close(self._entries)
            self._entries, self._read_bytes = os.open(self._file, _OPEN, 0o666), 0
        size = os.fstat(self._entries).st_size
        whole = size - size % _ENTRY.size
        if whole < size:  # a torn write was never answered
            os.ftruncate(self._entries, whole)
        data = os.pread(self._entries, whole - self._read_bytes, self._read_bytes)
        self._until_ns.update(_ENTRY.iter_unpack(data))
        self._read_bytes = whole

    def _append(self, entry: bytes) -> None:
        written = os.write(self._entries, entry)
        if written != len(entry):  # a part of one would shift all that follow it
            os.ftruncate(self._entries, self._read_bytes)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._file))
        self._read_bytes += len(entry)

    def _compact(self, now_ns: int) -> None:
        """Forget what is no longer in force. Where that fails the file goes on as it is."""
        self._until_ns = {d: until for d, until in self._until_ns.items() if until > now_ns}
        self._compacted_at = (len(self._until_ns) + _COMPACTED_AT) * _ENTRY.size
        try:
            rewritten = self._rewritten()
        except OSError as error:
            log.warning("used signatures not compacted", file=str(self._file), reason=str(error))
            return
        os.close(self._entries)
        self._entries = rewritten
        self._read_bytes = len(self._until_ns) * _ENTRY.size

    def _rewritten(self) -> int:
        """Write the file with what is in force; return its descriptor, to go on behind it."""
        unfinished = self._file.with_name(f"{self._file.name}.new")
        output = os.open(unfinished, _OPEN | os.O_TRUNC, 0o666)
        try:
            with open(output, "wb", closefd=False) as file:
                file.writelines(map(_ENTRY.pack, self._until_ns, self._until_ns.values()))
            unfinished.replace(self._file)
        except OSError:
            os.close(output)
            raise
        return output

"""Signatures that have opened a session: none opens another, not even after a restart.

The file holds 40 bytes each: SHA-256 of the signature, and until when in nanoseconds UTC (little
endian) it could be used again if nobody remembered it. After that its SendingTime(52) is too old.
"""

from __future__ import annotations

import errno
import hashlib
import os
import struct
from pathlib import Path

import structlog

_ENTRY = struct.Struct("<32sQ")
_COMPACTED_AT = 10_000
"""How many entries the file may have, beyond those in force, before it is written anew."""


log = structlog.get_logger("gateway")


class UsedSignatures:
    """The signatures in force, in memory and in `file`. Methods raise `OSError`."""

    def __init__(self, file: Path, now_ns: int) -> None:
        self._file = file
        self._until_ns: dict[bytes, int] = {}
        data = file.read_bytes() if file.exists() else b""
        whole = len(data) - len(data) % _ENTRY.size  # a torn write was never answered
        for digest, until_ns in _ENTRY.iter_unpack(data[:whole]):
            if until_ns > now_ns:
                self._until_ns[digest] = until_ns
        self._written = 0
        self._output = self._rewritten()

    def use(self, signature: bytes, until_ns: int, now_ns: int) -> bool:
        """Note a signature; return whether it had not been used before."""
        digest = hashlib.sha256(signature).digest()
        if digest in self._until_ns:
            return False
        self._append(_ENTRY.pack(digest, until_ns))
        self._until_ns[digest] = until_ns
        self._written += 1
        if self._written >= _COMPACTED_AT:
            self._compact(now_ns)
        return True

    def close(self) -> None:
        os.close(self._output)

    def _append(self, entry: bytes) -> None:
        written = os.write(self._output, entry)
        if written != len(entry):  # a part of one would shift all that follow it
            os.ftruncate(self._output, os.fstat(self._output).st_size - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._file))

    def _compact(self, now_ns: int) -> None:
        """Forget what is no longer in force. Where that fails the file goes on as it is."""
        self._until_ns = {d: until for d, until in self._until_ns.items() if until > now_ns}
        self._written = 0
        try:
            rewritten = self._rewritten()
        except OSError as error:
            log.warning("used signatures not compacted", file=str(self._file), reason=str(error))
            return
        os.close(self._output)
        self._output = rewritten

    def _rewritten(self) -> int:
        """Write the file with what is in force; return its descriptor, to go on behind it."""
        unfinished = self._file.with_name(f"{self._file.name}.new")
        output = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o666)
        try:
            with open(output, "wb", closefd=False) as file:
                file.writelines(map(_ENTRY.pack, self._until_ns, self._until_ns.values()))
            unfinished.replace(self._file)
        except OSError:
            os.close(output)
            raise
        return output

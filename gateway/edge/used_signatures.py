"""Signatures that have opened a session: none opens another, not even after a restart.

The file holds 40 bytes each: SHA-256 of the signature, and until when in nanoseconds UTC (little
endian) it could be used again if nobody remembered it. After that its SendingTime(52) is too old.
"""

from __future__ import annotations

import hashlib
import os
import struct
from pathlib import Path

_ENTRY = struct.Struct("<32sQ")
_COMPACTED_AT = 10_000
"""How many entries the file may have, beyond those in force, before it is written anew."""


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
        self._rewrite()

    def use(self, signature: bytes, until_ns: int, now_ns: int) -> bool:
        """Note a signature; return whether it had not been used before."""
        digest = hashlib.sha256(signature).digest()
        if digest in self._until_ns:
            return False
        os.write(self._output, _ENTRY.pack(digest, until_ns))
        self._until_ns[digest] = until_ns
        self._written += 1
        if self._written >= _COMPACTED_AT:
            self._until_ns = {d: until for d, until in self._until_ns.items() if until > now_ns}
            os.close(self._output)
            self._rewrite()
        return True

    def close(self) -> None:
        os.close(self._output)

    def _rewrite(self) -> None:
        """Write the file with what is in force, and go on behind it."""
        unfinished = self._file.with_name(f"{self._file.name}.new")
        unfinished.write_bytes(b"".join(map(_ENTRY.pack, self._until_ns, self._until_ns.values())))
        unfinished.replace(self._file)
        self._output = os.open(self._file, os.O_WRONLY | os.O_APPEND)
        self._written = 0

"""Frames, as the trading application's services send them to each other over TCP.

A frame is the length of its payload (u32, little-endian) and the payload, MessagePack.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

PAYLOAD_BYTES_MAX = 2**28

_LENGTH = struct.Struct("<I")


class FrameError(ValueError):
    """A frame that is longer than this end reads; nothing behind it can be found."""


def frame(payload: bytes) -> bytes:
    return _LENGTH.pack(len(payload)) + payload


def packed_array(encoded: Sequence[bytes]) -> bytes:
    """Return the MessagePack array of what is encoded already."""
    count = len(encoded)
    if count < 16:
        head = bytes([0x90 | count])
    elif count < 2**16:
        head = b"\xdc" + count.to_bytes(2, "big")
    else:
        head = b"\xdd" + count.to_bytes(4, "big")
    return head + b"".join(encoded)


class FrameSplitter:
    """Cuts what a connection brings, in pieces of any size, into payloads."""

    def __init__(self, payload_bytes_max: int = PAYLOAD_BYTES_MAX) -> None:
        self._payload_bytes_max = payload_bytes_max
        self._pieces: list[bytes] = []
        self._bytes = 0
        self._wanted = _LENGTH.size
        """No frame is whole before there are so many bytes."""

    @property
    def left(self) -> bytes:
        """Return what has come of a frame that is not whole."""
        return b"".join(self._pieces)

    def feed(self, data: bytes) -> list[bytes]:
        """Return the payloads that are whole now. Raises `FrameError`."""
        self._pieces.append(data)
        self._bytes += len(data)
        if self._bytes < self._wanted:
            return []
        received = self.left
        payloads = []
        start, end = 0, self._end(received, 0)
        while end <= len(received):
            payloads.append(received[start + _LENGTH.size : end])
            start, end = end, self._end(received, end)
        self._pieces = [received[start:]]
        self._bytes = len(received) - start
        self._wanted = end - start
        return payloads

    def _end(self, received: bytes, start: int) -> int:
        """Return where the frame at `start` ends, or its length would."""
        if len(received) - start < _LENGTH.size:
            return start + _LENGTH.size
        (length,) = _LENGTH.unpack_from(received, start)
        if length > self._payload_bytes_max:
            raise FrameError(f"a frame of {length} bytes, at most are {self._payload_bytes_max}")
        return start + _LENGTH.size + int(length)

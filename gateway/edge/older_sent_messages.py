"""Reads a session's store as it was written before version 3, which takes its place when opened.

    header   as in version 3
    record   CRC-32 of the rest, length, two numbers, then as many bytes as `length` says
             length > 0: MsgSeqNum(34), watermark, the message
             length = 0: next number to send, next number expected

In version 2 each write ends with a record of the numbers, and what stands behind the last of these
is cut off. In version 1 it stands only where a message did not imply them.
"""

import os
import struct
from collections.abc import Iterator
from typing import NamedTuple
from zlib import crc32

_CRC = struct.Struct("<I")
_RECORD = struct.Struct("<IQQ")  # behind its CRC
_RECORD_BYTES = _CRC.size + _RECORD.size
_MESSAGE_BYTES_MAX = 1 << 16
_CHUNK_BYTES = 1 << 18


class OlderWrite(NamedTuple):
    """What was written in one piece: messages with number and watermark, then both next numbers."""

    messages: list[tuple[int, int, bytes]]
    next_sender: int
    next_target: int


def older_writes(file: int, offset: int, version: int) -> Iterator[OlderWrite]:
    """Yield what stands in a file behind its header.

    Raises `ValueError` if it is damaged, and not because its last write was cut short.
    """
    messages: list[tuple[int, int, bytes]] = []
    sender = target = 1
    while chunk := os.pread(file, _CHUNK_BYTES, offset):
        read = 0
        for at, first, second, message in _records(chunk):
            read = at + _RECORD_BYTES + len(message)
            if message:
                messages.append((first, second, message))
                sender = first + 1
            else:
                sender, target = first, second
            if not message or version == 1:
                yield OlderWrite(messages, sender, target)
                messages = []
        if not read:
            _check_tail(chunk, offset)
            return
        offset += read


def _records(chunk: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Yield the whole and good records of a chunk: offset, both numbers, message."""
    at = 0
    while at + _RECORD_BYTES <= len(chunk):
        length, first, second = _RECORD.unpack_from(chunk, at + _CRC.size)
        stop = at + _RECORD_BYTES + length
        if stop > len(chunk):
            return
        (crc,) = _CRC.unpack_from(chunk, at)
        if crc32(memoryview(chunk)[at + _CRC.size : stop]) != crc:
            return
        yield at, first, second, chunk[at + _RECORD_BYTES : stop]
        at = stop


def _check_tail(rest: bytes, offset: int) -> None:
    """Refuse what follows the last good record, unless one interrupted write explains it."""
    is_incomplete = len(rest) < _RECORD_BYTES
    if not is_incomplete:
        length = _RECORD.unpack_from(rest, _CRC.size)[0]
        is_incomplete = len(rest) < _RECORD_BYTES + length <= _RECORD_BYTES + _MESSAGE_BYTES_MAX
    if not is_incomplete and rest.strip(b"\0"):
        raise ValueError(f"bad record at byte {offset}")

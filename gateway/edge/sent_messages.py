"""A FIX session's store on disk: its numbers, and every message that may have to be sent again.

One file holds it all, only ever appended to, in one `write` for everything since the last `flush`:

    header   magic, version, epoch, creation time, watermark, CRC-32 of these
    record   CRC-32 of the rest, length, two numbers, then as many bytes as `length` says
             length > 0: MsgSeqNum(34), watermark, the message
             length = 0: next number to send, next number expected

Each `flush` ends with a record of the numbers. What stands behind the last of these is cut off: a
process that is killed leaves half of a longer write, and a request's answer without the number that
says it was answered would be given twice. Nothing is sent before it is flushed.

Written is what the operating system has: a killed process loses nothing, a lost machine perhaps
its last second, which both sides' numbers then reveal. A last record that is incomplete is cut
off; damage before it refuses to open, and says where. A reset replaces the file in one step.

Only every 64th message's place is kept in memory.

History: version 1. 2: the record of the numbers ends each write; before, it stood only where a
message did not imply them, and no message was cut off.
"""

import fcntl
import os
import struct
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

from gateway.fix.store import SessionStore

_MAGIC = b"AGIOSENT"
_VERSION = 2
_HEADER = struct.Struct("<8sIIQQ")
_CRC = struct.Struct("<I")
_RECORD = struct.Struct("<IQQ")  # behind its CRC
_RECORD_BYTES = _CRC.size + _RECORD.size
_DATA_AT = _HEADER.size + _CRC.size
_MESSAGE_BYTES_MAX = 1 << 16
_CHUNK_BYTES = 1 << 18
_INDEX_EVERY = 64


class SentMessagesDamaged(Exception):
    """The file can't be read, and not because its last write was cut short."""


class SentMessages(SessionStore):
    """A session's store in a directory of its own.

    It is opened by one process at a time: BlockingIOError while another one has it.
    """

    def __init__(self, directory: Path, now_ns: int) -> None:
        super().__init__(now_ns)
        self._path = directory / "sent_messages.log"
        self._pending: list[bytes] = []
        self._recorded_sender = self._recorded_target = 1
        self._messages_count = 0
        self._index_numbers = array("Q")
        self._index_offsets = array("Q")
        directory.mkdir(parents=True, exist_ok=True)
        if not self._path.exists():
            self._replace_file()
        else:
            self._file = self._open()
            self._load()

    # What is kept.

    def append(self, msg_seq_num: int, message: bytes, watermark: int = 0) -> None:
        assert 0 < len(message) <= _MESSAGE_BYTES_MAX
        self._note(msg_seq_num, watermark, self._end)
        self._add(msg_seq_num, watermark, message)

    def flush(self) -> None:
        sender, target = self.next_sender_msg_seq_num, self.next_target_msg_seq_num
        if self._pending or sender != self._recorded_sender or target != self._recorded_target:
            self._add(sender, target, b"")
            self._recorded_sender, self._recorded_target = sender, target
        if self._pending:
            _write(self._file, b"".join(self._pending))
            self._pending.clear()

    def reset(self, now_ns: int) -> None:
        super().reset(now_ns)
        os.close(self._file)
        self._replace_file()

    def start_behind(self, watermark: int, now_ns: int) -> None:
        """Begin as one that has handled everything up to a watermark."""
        self.watermark = watermark
        self.reset(now_ns)

    def close(self) -> None:
        self.flush()
        os.close(self._file)

    # What is read.

    def messages(self, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
        self.flush()
        epoch, written = self.epoch, self._end
        place = bisect_right(self._index_numbers, begin) - 1
        offset = self._index_offsets[place] if place >= 0 else _DATA_AT
        while offset < written and self.epoch == epoch:
            chunk = os.pread(self._file, _CHUNK_BYTES, offset)
            read = 0
            for at, number, _, message in _records(chunk):
                if message and number > end:
                    return
                if message and number >= begin:
                    yield number, message
                read = at + _RECORD_BYTES + len(message)
            if not read:
                raise SentMessagesDamaged(f"{self._path}: bad record at byte {offset}")
            offset += read

    def _load(self) -> None:
        size = os.fstat(self._file).st_size
        ends_with_numbers = self._read_header() > 1
        offset = self._end = _DATA_AT
        unended: list[tuple[int, int, int]] = []  # the messages of a write, until it ends
        while offset < size:
            chunk = os.pread(self._file, _CHUNK_BYTES, offset)
            read = 0
            for at, first, second, message in _records(chunk):
                read = at + _RECORD_BYTES + len(message)
                if message:
                    unended.append((first, second, offset + at))
                if ends_with_numbers and message:
                    continue
                for number, watermark, place in unended:
                    self._note(number, watermark, place)
                unended.clear()
                self._end = offset + read
                if not message:
                    self._recorded_sender, self._recorded_target = first, second
                    self.next_sender_msg_seq_num, self.next_target_msg_seq_num = first, second
            offset += read
            if not read:
                self._check_tail(chunk, offset)
                break
        if self._end < size:
            os.ftruncate(self._file, self._end)

    def _note(self, number: int, watermark: int, offset: int) -> None:
        """Take account of the message recorded at `offset`, which implies the next number."""
        if self._messages_count % _INDEX_EVERY == 0:
            self._index_numbers.append(number)
            self._index_offsets.append(offset)
        self._messages_count += 1
        self._count(number, watermark)
        self._recorded_sender = number + 1

    def _read_header(self) -> int:
        """Take the header in and return its version."""
        header = os.pread(self._file, _DATA_AT, 0)
        if len(header) < _DATA_AT or _CRC.unpack_from(header, _HEADER.size)[0] != crc32(
            header[: _HEADER.size]
        ):
            raise SentMessagesDamaged(f"{self._path}: no readable header")
        magic, version, self.epoch, self.creation_time_ns, self.watermark = _HEADER.unpack_from(
            header
        )
        if magic != _MAGIC or not 0 < version <= _VERSION:
            raise SentMessagesDamaged(f"{self._path}: version {version} is not understood")
        return int(version)

    def _check_tail(self, rest: bytes, offset: int) -> None:
        """Refuse what follows the last good record, unless one interrupted write explains it."""
        is_incomplete = len(rest) < _RECORD_BYTES
        if not is_incomplete:
            length = _RECORD.unpack_from(rest, _CRC.size)[0]
            is_incomplete = len(rest) < _RECORD_BYTES + length <= _RECORD_BYTES + _MESSAGE_BYTES_MAX
        if not is_incomplete and rest.strip(b"\0"):
            raise SentMessagesDamaged(f"{self._path}: bad record at byte {offset}")

    # The file.

    def _add(self, first: int, second: int, message: bytes) -> None:
        head = _RECORD.pack(len(message), first, second)
        self._pending += (_CRC.pack(crc32(message, crc32(head))), head, message)
        self._end += _RECORD_BYTES + len(message)

    def _replace_file(self) -> None:
        header = _HEADER.pack(_MAGIC, _VERSION, self.epoch, self.creation_time_ns, self.watermark)
        new = self._path.with_suffix(".new")
        new.write_bytes(header + _CRC.pack(crc32(header)))
        new.replace(self._path)
        self._file = self._open()
        self._end = _DATA_AT
        self._pending.clear()
        self._recorded_sender = self._recorded_target = 1
        self._messages_count = 0
        self._index_numbers = array("Q")
        self._index_offsets = array("Q")

    def _open(self) -> int:
        file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            raise
        return file


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


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]

"""A FIX session's store on disk: its numbers, and every message that may have to be sent again.

One file holds it all, only ever appended to, in one `write` for everything since the last `flush`:

    header   magic, version, epoch, creation time, watermark, CRC-32 of these
    write    mark, CRC-32C of the rest, length of its messages, next number to send, next number
             expected, messages
    message  length, MsgSeqNum(34), watermark, its bytes

A write counts whole or not at all: a process that is killed leaves half of a longer one, and a
request's answer without the number that says it was answered would be given twice. Nothing is sent
before it is flushed.

Written is what the operating system has: a killed process loses nothing, a lost machine perhaps
its last second, which both sides' numbers then reveal. A last write that is incomplete is cut off;
damage before it refuses to open, and says where. A reset replaces the file in one step.

Of every 64th message it is kept in memory in which write it stands.

Whoever may write has a lock on the file, which ends with its process. Gateways that share their
sessions open each other's files without one, and read what their holder has written; who takes the
lock reads the rest first. A lock counts only while its file still has the name: a new file is
locked before it gets that.

History: version 1. 2: a record of the numbers ends each write, of which each record had a checksum.
3: a write has one checksum. Older files are written anew when they are opened.
"""

import errno
import fcntl
import os
import struct
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from google_crc32c import value as crc32c

from gateway.edge.older_sent_messages import older_writes
from gateway.fix import octets
from gateway.fix.store import SessionStore

_MAGIC = b"AGIOSENT"
_VERSION = 3
_HEADER = struct.Struct("<8sIIQQ")
_CRC = struct.Struct("<I")
_DATA_AT = _HEADER.size + _CRC.size
_MARK = b"SENT"
_WRITE = struct.Struct("<QQQ")  # behind its mark and CRC
_REST_AT = len(_MARK) + _CRC.size
_WRITE_HEAD_BYTES = _REST_AT + _WRITE.size
_MESSAGE = struct.Struct("<QQQ")
_MESSAGE_HEAD_BYTES = _MESSAGE.size
_CHUNK_BYTES = 1 << 18
_ROOM = 1 << 12  # for what waits to be written, at first; of thousands of sessions most are quiet
_ROOM_KEPT = 1 << 17
_INDEX_EVERY = 64
_OPEN = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC


class SentMessagesDamaged(OSError):
    """The file can't be read, and not because its last write was cut short."""


class _Write(NamedTuple):
    """A write in the file, from one byte to another."""

    offset: int
    stop: int
    next_sender: int
    next_target: int
    messages: bytes


class SentMessages(SessionStore):
    """A session's store in a directory of its own.

    It is opened by one process at a time: BlockingIOError while another one has it. One that
    `is_shared` is open in several, and held by none of them at first.
    """

    def __init__(self, directory: Path, now_ns: int, *, is_shared: bool = False) -> None:
        super().__init__(now_ns)
        self._path = directory / "sent_messages.log"
        self.is_held = False
        self._is_shared = is_shared
        self._deferred: list[tuple[int, Callable[[int], object]]] = []
        self._pending = bytearray(_ROOM)  # the next write
        self._room = _ROOM
        self._pending_end = _WRITE_HEAD_BYTES
        self._recorded_sender = 1
        self._recorded_target = 1
        self._forget()
        directory.mkdir(parents=True, exist_ok=True)
        if not self._path.exists():
            self._make(directory)
        self._file = os.open(self._path, _OPEN)
        try:
            if self.claim():
                self.release()
            elif is_shared:
                self.follow()
            else:
                raise self._held_elsewhere()
        except OSError:
            os.close(self._file)
            raise

    # What is kept.

    def append(self, msg_seq_num: int, message: bytes, watermark: int = 0) -> None:
        assert message
        at = self._pending_end
        end = at + _MESSAGE_HEAD_BYTES + len(message)
        if end > self._room:
            self._grow(end)
        octets.put_word(self._pending, at, len(message))
        octets.put_word(self._pending, at + 8, msg_seq_num)
        octets.put_word(self._pending, at + 16, watermark)
        octets.paste(self._pending, at + _MESSAGE_HEAD_BYTES, message)
        self._pending_end = end
        self._note(msg_seq_num, watermark, self._end)

    def flush(self) -> None:
        sender, target = self.next_sender_msg_seq_num, self.next_target_msg_seq_num
        end = self._pending_end
        if (
            end == _WRITE_HEAD_BYTES
            and sender == self._recorded_sender
            and target == self._recorded_target
        ):
            return
        assert self.is_held
        octets.put_word(self._pending, _REST_AT, end - _WRITE_HEAD_BYTES)
        octets.put_word(self._pending, _REST_AT + 8, sender)
        octets.put_word(self._pending, _REST_AT + 16, target)
        crc = crc32c(octets.cut(self._pending, _REST_AT, end))
        octets.paste(self._pending, 0, _MARK + _CRC.pack(crc))
        written = 0
        while written < end:
            written += os.write(self._file, self._pending[written:end])
        self._end += end
        self._pending_end = _WRITE_HEAD_BYTES
        self._recorded_sender, self._recorded_target = sender, target
        if self._room > _ROOM_KEPT:
            self._pending = bytearray(_ROOM)
            self._room = _ROOM

    def reset(self, now_ns: int) -> None:
        assert self.is_held
        super().reset(now_ns)
        self._replace(())
        self._end = _DATA_AT
        self._pending_end = _WRITE_HEAD_BYTES

    def start_behind(self, watermark: int, now_ns: int) -> None:
        """Begin as one that has handled everything up to a watermark."""
        self.watermark = watermark
        self.reset(now_ns)

    def close(self) -> None:
        self.flush()
        os.close(self._file)

    # Who may change it.

    def claim(self) -> bool:
        """Hold it, as its last holder has left it; False while another process does.

        Raises `SentMessagesDamaged` and `OSError`.
        """
        if self.is_held:
            return True
        while not self.is_held:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            self.is_held = not self._reopen_if_replaced()
        try:
            self._load()
        except OSError:
            self.release()
            raise
        return True

    def release(self) -> None:
        if self._is_shared and self.is_held:
            self.flush()
            self.is_held = False
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def follow(self) -> None:
        """Take in what its holder has written, and forget what that leaves nothing to do of."""
        self._reopen_if_replaced()
        self._load()
        done = 0
        for place, (watermark, _) in enumerate(self._deferred, 1):
            if 0 < watermark <= self.watermark:
                done = place
        del self._deferred[:done]

    def defer(self, watermark: int, act: Callable[[int], object]) -> None:
        self._deferred.append((watermark, act))

    def carry_out(self, now_ns: int) -> None:
        deferred, self._deferred = self._deferred, []
        for _, act in deferred:
            act(now_ns)
        self.flush()

    # What is read.

    def messages(self, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
        self.flush()
        epoch = self.epoch
        stop = self._end
        place = bisect_right(self._index_numbers, begin) - 1
        offset = self._index_offsets[place] if place >= 0 else _DATA_AT
        for write in self._writes(offset, stop):
            for number, _, message in _messages_in(write.messages):
                if number > end:
                    return
                if number >= begin:
                    yield number, message
            offset = write.stop
            if self.epoch != epoch:
                return
        if offset < stop:
            raise SentMessagesDamaged(f"{self._path}: bad write at byte {offset}")

    def _load(self) -> None:
        """Read what has been written since the last time, by whomever."""
        if not self._end:
            version = self._read_header()
            if version < _VERSION:
                if not self.is_held:
                    raise self._held_elsewhere()
                self._write_anew(version)
            self._end = _DATA_AT
        size = os.fstat(self._file).st_size
        for write in self._writes(self._end, size):
            for number, watermark, _ in _messages_in(write.messages):
                self._note(number, watermark, write.offset)
            self._end = write.stop
            self._recorded_sender, self._recorded_target = write.next_sender, write.next_target
            self.set_next_sender(write.next_sender)
            self.set_next_target(write.next_target)
        if self.is_held and self._end < size:
            self._check_tail(os.pread(self._file, size - self._end, self._end))
            os.ftruncate(self._file, self._end)

    def _writes(self, offset: int, stop: int) -> Iterator[_Write]:
        """Yield the good writes of a part of the file, up to the first that is not."""
        epoch = self.epoch
        size = _CHUNK_BYTES
        while offset < stop and self.epoch == epoch:
            chunk = os.pread(self._file, min(size, stop - offset), offset)
            read = 0
            while (write := _write_at(chunk, read, offset)) is not None:
                yield write
                read = write.stop - offset
            offset += read
            # A write may be longer than a chunk, and is then read alone.
            size = _CHUNK_BYTES if read else _size_of_write(chunk)
            if not read and not len(chunk) < size <= stop - offset:
                return

    def _note(self, number: int, watermark: int, offset: int) -> None:
        """Take account of a message in the write at `offset`."""
        if self._messages_count % _INDEX_EVERY == 0:
            self._index_numbers.append(number)
            self._index_offsets.append(offset)
        self._messages_count += 1
        self._count(number, watermark)

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

    def _check_tail(self, rest: bytes) -> None:
        """Refuse what follows the last good write, unless one interrupted write explains it."""
        is_incomplete = len(rest) < _WRITE_HEAD_BYTES or (
            rest.startswith(_MARK) and _size_of_write(rest) > len(rest)
        )
        at = rest.find(_MARK, 1)
        while at > 0 and is_incomplete:  # where a good one stands behind it, its length is wrong
            is_incomplete = _write_at(rest, at, 0) is None
            at = rest.find(_MARK, at + 1)
        if not is_incomplete and rest.strip(b"\0"):
            raise SentMessagesDamaged(f"{self._path}: bad write at byte {self._end}")

    # The file.

    def _make(self, directory: Path) -> None:
        """Make the file, unless another process does so at the same time."""
        alone = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(alone, fcntl.LOCK_EX)
            if not self._path.exists():
                os.close(self._put_new(()))
        finally:
            os.close(alone)

    def _write_anew(self, version: int) -> None:
        """Put a file of this version in the place of an older one."""
        self._replace(self._older_writes(version), is_synced=True)

    def _older_writes(self, version: int) -> Iterator[bytes]:
        try:
            for messages, sender, target in older_writes(self._file, _DATA_AT, version):
                packed = b"".join(
                    _MESSAGE.pack(len(message), number, watermark) + message
                    for number, watermark, message in messages
                )
                yield _write_of(packed, sender, target)
        except ValueError as error:
            raise SentMessagesDamaged(f"{self._path}: {error}") from None

    def _header(self) -> bytes:
        header = _HEADER.pack(_MAGIC, _VERSION, self.epoch, self.creation_time_ns, self.watermark)
        return header + _CRC.pack(crc32(header))

    def _replace(self, writes: Iterable[bytes], *, is_synced: bool = False) -> None:
        new = self._put_new(writes, is_synced=is_synced)
        os.close(self._file)
        self._file = new
        self._forget()

    def _put_new(self, writes: Iterable[bytes], *, is_synced: bool = False) -> int:
        """Put a file in the place of what is there; return it, locked."""
        new = self._path.with_suffix(".new")
        descriptor = os.open(new, _OPEN | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with open(descriptor, "ab", closefd=False) as file:
                file.write(self._header())
                file.writelines(writes)
                file.flush()
                if is_synced:
                    os.fsync(descriptor)
            new.replace(self._path)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def _reopen_if_replaced(self) -> bool:
        """Say whether another process has put a new file there, and open that."""
        if self._path.stat().st_ino == os.fstat(self._file).st_ino:
            return False
        os.close(self._file)
        self._file = os.open(self._path, _OPEN)
        self._forget()
        return True

    def _forget(self) -> None:
        """Know nothing of what the file has."""
        self.set_next_sender(1)
        self.set_next_target(1)
        self._recorded_sender = 1
        self._recorded_target = 1
        self._end = 0
        self._messages_count = 0
        self._index_numbers = array("Q")
        self._index_offsets = array("Q")

    def _held_elsewhere(self) -> BlockingIOError:
        return BlockingIOError(errno.EWOULDBLOCK, "another process has it", str(self._path))

    def _grow(self, size: int) -> None:
        longer = bytearray(2 * size)
        longer[: self._pending_end] = octets.cut(self._pending, 0, self._pending_end)
        self._pending = longer
        self._room = len(longer)


def _write_of(messages: bytes, next_sender: int, next_target: int) -> bytes:
    rest = _WRITE.pack(len(messages), next_sender, next_target) + messages
    return b"".join((_MARK, _CRC.pack(crc32c(rest)), rest))


def _size_of_write(chunk: bytes) -> int:
    """Return how long the write at the beginning of some bytes says that it is; 0 if it can't."""
    if len(chunk) < _WRITE_HEAD_BYTES:
        return 0
    length: int = _WRITE.unpack_from(chunk, _REST_AT)[0]
    return _WRITE_HEAD_BYTES + length


def _write_at(chunk: bytes, at: int, offset: int) -> _Write | None:
    """Return the write at a place of a chunk; None if it isn't all there, or damaged."""
    if not chunk.startswith(_MARK, at) or at + _WRITE_HEAD_BYTES > len(chunk):
        return None
    (crc,) = _CRC.unpack_from(chunk, at + len(_MARK))
    rest_at = at + _REST_AT
    length, sender, target = _WRITE.unpack_from(chunk, rest_at)
    stop = at + _WRITE_HEAD_BYTES + length
    if stop > len(chunk) or crc32c(chunk[rest_at:stop]) != crc:
        return None
    messages = chunk[at + _WRITE_HEAD_BYTES : stop]
    return _Write(offset + at, offset + stop, sender, target, messages)


def _messages_in(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield the messages of a write: number, watermark, bytes."""
    at = 0
    while at < len(data):
        length, number, watermark = _MESSAGE.unpack_from(data, at)
        at += _MESSAGE_HEAD_BYTES + length
        yield number, watermark, data[at - length : at]

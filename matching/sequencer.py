"""Gives every command its place: checks its bytes, knows what was resent, counts and stamps.

Exactly once
------------
A session's commands carry a rising number. The sequencer keeps each session's last number for ever
and, of its last 16,384 commands, the sequence under which each was executed. A number above the
last is new. One of the remembered is a resend: its command is not executed again. Any other was
skipped by its session, or is too old to answer; nothing may be guessed, so it is refused. At most
1,024 sessions are remembered that far; beyond that, the one idle for longest keeps its last number
only. All of it is a function of the journal, so a restart forgets nothing.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from matching.link import Refusal, RefusalCode
from vocabulary.codec import HEADER, LAYOUT_BY_KIND, Layout, unpack_command
from vocabulary.commands import Command
from vocabulary.types import CLIENT_ORDER_ID_BYTES_MAX

NUMBERS_REMEMBERED: Final = 16_384
SESSIONS_REMEMBERED: Final = 1_024
_FORGET_AT_ONCE: Final = 4_096
_SESSIONS_PER_SECTION: Final = 10_000

_LAYOUTS: Final[dict[tuple[int, int], Layout]] = {
    kind: layout
    for kind, layout in LAYOUT_BY_KIND.items()
    if issubclass(layout.message_type, Command)
}


class CommandRefused(Exception):
    """A command that must not be executed; the next one starts at `end`."""

    def __init__(self, refusal: Refusal, end: int) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal
        self.end = end


def check_command(data: bytes, offset: int) -> tuple[int, int, int]:
    """Return session id, session number and the offset behind the command at `offset`.

    Raises `CommandRefused` for a value that no command may carry, and `CodecError` where not even
    the next command can be found.
    """
    kind, version, size = HEADER.unpack_from(data, offset) if len(data) - offset >= 8 else (0, 0, 0)
    layout = _LAYOUTS.get((kind, version))
    if layout is None or size != layout.size or len(data) - offset < size:
        unpack_command(data, offset)  # says what is wrong
        raise AssertionError("unreachable: the codec takes no such command")
    values = layout.struct.unpack_from(data, offset)
    fault = _fault(layout, values)
    if fault is None and layout.struct.pack(*values) != data[offset : offset + size]:
        fault = "bytes between the fields, or behind a text, are not zero"
    if fault is not None:
        refusal = Refusal(RefusalCode.MALFORMED_COMMAND, values[3], values[4], fault)
        raise CommandRefused(refusal, offset + size)
    return values[3], values[4], offset + size


def _fault(layout: Layout, values: tuple[int, ...]) -> str | None:
    if values[4] < 1:
        return f"session_number {values[4]} is not positive"
    if layout.added and values[-len(layout.added) :] == layout.added:
        return f"version {layout.version} says nothing that version {layout.version - 1} does not"
    for index, name, members in layout.enums:
        if values[index + 3] not in members:
            return f"{name} {values[index + 3]} unknown"
    for index, _ in layout.texts:
        text: bytes = values[index + 3]  # type: ignore[assignment]  # struct gives text as bytes
        if len(text) > CLIENT_ORDER_ID_BYTES_MAX:
            return f"text of {len(text)} bytes, at most {CLIENT_ORDER_ID_BYTES_MAX}"
        # Control bytes would let a text look like the journal's own marks, or a log's lines.
        if not (text.isascii() and text.decode("ascii").isprintable()):
            return f"text {text!r} is not printable ASCII"
    return None


class _Recent:
    """The numbers of a session's last commands, ascending, and where each was executed."""

    def __init__(self) -> None:
        self.numbers = array("q")
        self.sequences = array("q")

    def add(self, number: int, sequence: int) -> None:
        self.numbers.append(number)
        self.sequences.append(sequence)
        if len(self.numbers) >= NUMBERS_REMEMBERED + _FORGET_AT_ONCE:
            del self.numbers[:_FORGET_AT_ONCE]
            del self.sequences[:_FORGET_AT_ONCE]

    def find(self, number: int) -> int | None:
        index = bisect_left(self.numbers, number)
        if index < len(self.numbers) and self.numbers[index] == number:
            return self.sequences[index]
        return None


class Sequencer:
    """The one counter of the venue."""

    def __init__(self) -> None:
        self.last_sequence = 0
        self.last_timestamp_ns = 0
        self._last_numbers: dict[int, int] = {}
        self._recent: dict[int, _Recent] = {}

    def timestamp(self, now_ns: int) -> int:
        """Return the time of commands taken now; it never goes back, whatever the clock does."""
        self.last_timestamp_ns = max(self.last_timestamp_ns, now_ns)
        return self.last_timestamp_ns

    def last_number(self, session_id: int) -> int:
        """Return a session's last number; 0 for one that is not known."""
        return self._last_numbers.get(session_id, 0)

    def find(self, session_id: int, number: int) -> int | None:
        """Return the sequence under which a resent command was executed, None for a new one.

        Raises `KeyError` for a number that is not above the session's last and not remembered.
        """
        if number > self._last_numbers.get(session_id, 0):
            return None
        recent = self._recent.get(session_id)
        sequence = recent.find(number) if recent is not None else None
        if sequence is None:
            raise KeyError(number)
        return sequence

    def take(self, session_id: int, number: int) -> int:
        """Return the next sequence, given to a session's new command."""
        self.last_sequence += 1
        self._last_numbers[session_id] = number
        recent = self._recent.get(session_id)
        if recent is None:
            recent = self._remember(session_id)
        recent.add(number, self.last_sequence)
        return self.last_sequence

    def restore(self, sequence: int, timestamp_ns: int, session_id: int, number: int) -> None:
        """Take a command from the journal. Raises `ValueError` if the journal breaks our rules."""
        if sequence != self.last_sequence + 1:
            raise ValueError(f"sequence {sequence} follows {self.last_sequence}")
        if timestamp_ns < self.last_timestamp_ns:
            raise ValueError(f"time goes back from {self.last_timestamp_ns} to {timestamp_ns}")
        if number <= self._last_numbers.get(session_id, 0):
            raise ValueError(f"session {session_id} goes back to number {number}")
        self.last_timestamp_ns = timestamp_ns
        self.take(session_id, number)

    def save(self) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
        """Yield all this as sections of rows for a snapshot; see `matching.snapshot_format`."""
        yield "sequencer", [(self.last_sequence, self.last_timestamp_ns)]
        numbers = iter(self._last_numbers.items())
        while rows := list(islice(numbers, _SESSIONS_PER_SECTION)):
            yield "sessions", rows
        for session_id, recent in self._recent.items():
            yield "recent", [(session_id, recent.numbers.tobytes(), recent.sequences.tobytes())]

    def restore_section(self, section: tuple[str, list[tuple[Any, ...]]]) -> bool:
        """Take a section of a snapshot; False if it is none of `save`'s."""
        name, rows = section
        if name == "sequencer":
            ((self.last_sequence, self.last_timestamp_ns),) = rows
        elif name == "sessions":
            self._last_numbers.update(rows)
        elif name == "recent":
            ((session_id, numbers, sequences),) = rows
            recent = self._recent[session_id] = _Recent()
            recent.numbers.frombytes(numbers)
            recent.sequences.frombytes(sequences)
        else:
            return False
        return True

    def _remember(self, session_id: int) -> _Recent:
        if len(self._recent) >= SESSIONS_REMEMBERED:
            idle = min(self._recent, key=lambda session: self._recent[session].sequences[-1])
            del self._recent[idle]
        self._recent[session_id] = recent = _Recent()
        return recent

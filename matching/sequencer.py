"""Gives every command its place: knows what was resent, counts and stamps.

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
from itertools import chain, islice
from typing import Any, Final

from matching import command_check
from matching.core import packed

NUMBERS_REMEMBERED: Final = 16_384
SESSIONS_REMEMBERED: Final = 1_024
_NUMBERS_MAX: Final = NUMBERS_REMEMBERED + 4_096  # then the oldest are forgotten at once
_NUMBERS_AT_FIRST: Final = 64
_SESSIONS_PER_SECTION: Final = 10_000
SESSION_MASK = 0xFFFFFFFFFFFFFFFF  # words have a sign, ids of sessions have none


class Session:
    """The numbers of a session's last commands, ascending, and where each was executed."""

    def __init__(self, session_id: int, numbers: array[int], sequences: array[int]) -> None:
        self.session_id = session_id
        self.count = len(numbers)
        self.last_number = numbers[-1] if numbers else 0
        self._grow(numbers, sequences, max(len(numbers) + 1, _NUMBERS_AT_FIRST))

    def add(self, number: int, sequence: int) -> None:
        self._numbers[self.count] = number
        self._sequences[self.count] = sequence
        self.last_number = number
        self.count += 1
        if self.count == self._room:
            self._make_room()

    def find(self, number: int) -> int | None:
        index = bisect_left(self._kept_numbers, number, 0, self.count)
        if index < self.count and self._kept_numbers[index] == number:
            return self._kept_sequences[index]
        return None

    @property
    def last_sequence(self) -> int:
        return self._sequences[self.count - 1]

    def row(self) -> tuple[int, bytes, bytes]:
        """Return all this for a snapshot."""
        numbers, sequences = self._kept_numbers[: self.count], self._kept_sequences[: self.count]
        return self.session_id, numbers.tobytes(), sequences.tobytes()

    def _make_room(self) -> None:
        numbers, sequences = self._kept_numbers, self._kept_sequences
        if self._room >= _NUMBERS_MAX:
            numbers, sequences = numbers[-NUMBERS_REMEMBERED:], sequences[-NUMBERS_REMEMBERED:]
            self.count = NUMBERS_REMEMBERED
        self._grow(numbers, sequences, min(2 * self._room, _NUMBERS_MAX))

    def _grow(self, numbers: array[int], sequences: array[int], room: int) -> None:
        empty = array("q", bytes(8 * (room - len(numbers))))
        self._kept_numbers = numbers + empty
        self._kept_sequences = sequences + empty
        self._numbers = self._kept_numbers
        self._sequences = self._kept_sequences
        self._room = room


class Sequencer:
    """The one counter of the venue."""

    def __init__(self) -> None:
        self.last_sequence = 0
        self.last_timestamp_ns = 0
        self._last_numbers: dict[int, int] = {}  # of sessions that are not remembered
        self._sessions: dict[int, Session] = {}

    def timestamp(self, now_ns: int) -> int:
        """Return the time of commands taken now; it never goes back, whatever the clock does."""
        self.last_timestamp_ns = max(self.last_timestamp_ns, now_ns)
        return self.last_timestamp_ns

    def last_number(self, session_id: int) -> int:
        """Return a session's last number; 0 for one that is not known."""
        session: Session | None = self._sessions.get(session_id)
        if session is not None:
            return session.last_number
        return self._last_numbers.get(session_id, 0)

    def find(self, session_id: int, number: int) -> int | None:
        """Return the sequence under which a resent command was executed, None for a new one.

        Raises `KeyError` for a number that is not above the session's last and not remembered.
        """
        if number > self.last_number(session_id):
            return None
        session: Session | None = self._sessions.get(session_id)
        sequence = session.find(number) if session is not None else None
        if sequence is None:
            raise KeyError(number)
        return sequence

    def take(self, session_id: int, number: int) -> int:
        """Return the next sequence, given to a session's new command."""
        session: Session | None = self._sessions.get(session_id)
        if session is None:
            session = self._remember(session_id)
        self.last_sequence += 1
        session.add(number, self.last_sequence)
        return self.last_sequence

    def take_orders(self, commands: bytes, start: int) -> int:
        """Give the next sequences to the orders from a byte on, and return where they end.

        They end where something stands that is no sound order, or was sent before.
        """
        words = packed.words_of(commands)
        at = start // 8
        end = len(commands) // 8
        session: Session | None = None
        while at < end and command_check.is_sound_order(words, at, end):
            session_id = words[at + 1] & SESSION_MASK
            number = words[at + 2]
            if session is None or session.session_id != session_id:
                if number <= self.last_number(session_id):
                    break
                session = self._sessions.get(session_id) or self._remember(session_id)
            elif number <= session.last_number:
                break
            self.last_sequence += 1
            session.add(number, self.last_sequence)
            at += words[at] >> 35  # the size in bytes, from the header's upper half
        return at * 8

    def restore(self, sequence: int, timestamp_ns: int, session_id: int, number: int) -> None:
        """Take a command from the journal. Raises `ValueError` if the journal breaks our rules."""
        if sequence != self.last_sequence + 1:
            raise ValueError(f"sequence {sequence} follows {self.last_sequence}")
        if timestamp_ns < self.last_timestamp_ns:
            raise ValueError(f"time goes back from {self.last_timestamp_ns} to {timestamp_ns}")
        if number <= self.last_number(session_id):
            raise ValueError(f"session {session_id} goes back to number {number}")
        self.last_timestamp_ns = timestamp_ns
        self.take(session_id, number)

    def save(self) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
        """Yield all this as sections of rows for a snapshot; see `matching.snapshot_format`."""
        yield "sequencer", [(self.last_sequence, self.last_timestamp_ns)]
        remembered = ((each.session_id, each.last_number) for each in self._sessions.values())
        numbers = chain(self._last_numbers.items(), remembered)
        while rows := list(islice(numbers, _SESSIONS_PER_SECTION)):
            yield "sessions", rows
        for session in self._sessions.values():
            yield "recent", [session.row()]

    def restore_section(self, section: tuple[str, list[tuple[Any, ...]]]) -> bool:
        """Take a section of a snapshot; False if it is none of `save`'s."""
        name, rows = section
        if name == "sequencer":
            ((self.last_sequence, self.last_timestamp_ns),) = rows
        elif name == "sessions":
            self._last_numbers.update(rows)
        elif name == "recent":
            ((session_id, numbers, sequences),) = rows
            self._last_numbers.pop(session_id, None)
            self._sessions[session_id] = Session(
                session_id, array("q", numbers), array("q", sequences)
            )
        else:
            return False
        return True

    def _remember(self, session_id: int) -> Session:
        """Return a session to which its next number is added now."""
        if len(self._sessions) >= SESSIONS_REMEMBERED:
            idle: Session = min(self._sessions.values(), key=_last_sequence)
            del self._sessions[idle.session_id]
            self._last_numbers[idle.session_id] = idle.last_number
        session = Session(session_id, array("q"), array("q"))
        self._sessions[session_id] = session
        self._last_numbers.pop(session_id, None)
        return session


def _last_sequence(session: Session) -> int:
    return session.last_sequence

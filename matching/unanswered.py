"""Commands on their way to the matching process: kept until their record is back.

A session's numbers rise and its records come in the same order, so what is answered is nearly
always the oldest one that waits: a ring finds it at its first place.
"""

from __future__ import annotations

from array import array

from matching.core import packed
from vocabulary.codec import Record

_ROOM = 16  # places at first: most sessions are idle
_NUMBER = 2  # the word of a packed command that has its session's number


class SentCommands:
    """What one session has sent: packed commands by number, in the order of their numbers.

    Places only rise; where one lies in the ring is its lowest bits. One that is answered is None.
    """

    def __init__(self) -> None:
        self.count = 0
        self._first = 0
        self._end = 0
        self._mask = _ROOM - 1
        self._numbers = array("q", bytes(8 * _ROOM))
        self._commands: list[bytes | None] = [None] * _ROOM

    def add(self, number: int, command: bytes) -> None:
        """Keep a command, in the place of one with this number if there is one."""
        if self._first < self._end and number <= self._numbers[(self._end - 1) & self._mask]:
            self._add_late(number, command)
            return
        if self._end - self._first > self._mask:
            self._grow()
        self._numbers[self._end & self._mask] = number
        self._commands[self._end & self._mask] = command
        self._end += 1
        self.count += 1

    def take(self, number: int) -> bool:
        """Let a command go; return whether it was there."""
        place = self._place(number)
        if place < 0:
            return False
        self._commands[place & self._mask] = None
        self.count -= 1
        while self._first < self._end and self._commands[self._first & self._mask] is None:
            self._first += 1
        return True

    def has(self, number: int) -> bool:
        return self._place(number) >= 0

    def all(self) -> list[bytes]:
        kept = [self._commands[place & self._mask] for place in range(self._first, self._end)]
        return [command for command in kept if command is not None]

    def _place(self, number: int) -> int:
        """Return the place of a command that waits, -1 if there is none."""
        for place in range(self._first, self._end):
            if self._numbers[place & self._mask] >= number:
                is_there = (
                    self._numbers[place & self._mask] == number
                    and self._commands[place & self._mask] is not None
                )
                return place if is_there else -1
        return -1

    def _add_late(self, number: int, command: bytes) -> None:
        """Keep a command whose number is not the highest: its sender has lost track."""
        place = self._place(number)
        if place >= 0:
            self._commands[place & self._mask] = command
            return
        kept = {packed.words_of(each)[_NUMBER]: each for each in self.all()}
        kept[number] = command
        self._first = self._end = self.count = 0
        for each in sorted(kept):
            self.add(each, kept[each])

    def _grow(self) -> None:
        """Double the room; what is kept has new places from 0 on."""
        size = self._end - self._first
        places = [(self._first + offset) & self._mask for offset in range(size)]
        self._commands = [self._commands[at] for at in places] + [None] * size
        self._numbers = array("q", [self._numbers[at] for at in places] + [0] * size)
        self._first, self._end, self._mask = 0, size, 2 * size - 1


class Unanswered:
    """The commands of all sessions that wait for their record."""

    def __init__(self) -> None:
        self.count = 0
        self._sessions: dict[int, SentCommands] = {}  # few, and for good: no client makes its own

    def add(self, session_id: int, number: int, command: bytes) -> None:
        sent = self._sessions.get(session_id)
        if sent is None:
            sent = self._sessions[session_id] = SentCommands()
        before = sent.count
        sent.add(number, command)
        self.count += sent.count - before

    def add_all(self, session_id: int, commands: list[bytes]) -> int:
        """Keep packed commands of one session, and return the first one's number, 0 of none."""
        first_number = 0
        for command in commands:
            number = packed.words_of(command)[_NUMBER]
            first_number = first_number or number
            self.add(session_id, number, command)
        return first_number

    def take(self, session_id: int, number: int) -> bool:
        """Let a command go; return whether it was there."""
        sent = self._sessions.get(session_id)
        if sent is None or not sent.take(number):
            return False
        self.count -= 1
        return True

    def take_answered(self, records: list[Record]) -> None:
        """Let the commands go that records are of."""
        for record in records:
            self.take(record.session_id, record.session_number)

    def has(self, session_id: int, number: int) -> bool:
        sent = self._sessions.get(session_id)
        return sent is not None and sent.has(number)

    def all(self) -> list[bytes]:
        """Return the commands, each session's in their order."""
        return [command for sent in self._sessions.values() for command in sent.all()]

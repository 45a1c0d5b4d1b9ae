"""The journal read back through a fresh engine, which must make the very events that it reads."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Protocol

from matching.pipeline import Engine
from matching.sequencer import Sequencer
from vocabulary.codec import LAYOUTS, RECORD_HEADER, CodecError, Message, unpack

RECORD_WORDS = RECORD_HEADER.size // 8
KINDS_MAX = 256
KIND_MASK = 0xFFFF
_NAMES = {layout.kind: message_type.__name__ for message_type, layout in LAYOUTS.items()}


class ReplayableEngine(Engine, Protocol):
    """What replay needs of `matching.core.engine.Engine`."""

    def apply(self, command: bytes, sequence: int, timestamp_ns: int) -> bytes: ...

    def state_hash(self) -> str: ...


class ReplayError(Exception):
    """The engine did not do again what the journal says it did.

    The message names the sequence and both events. Either the journal comes from another version,
    or the engine is not deterministic; no state can be trusted.
    """

    def __init__(self, sequence: int, text: str) -> None:
        super().__init__(f"replay differs at sequence {sequence}: {text}")
        self.sequence = sequence


@dataclass(frozen=True)
class ReplayResult:
    """What a journal holds: how many of each command and event, by name, and where it leads."""

    last_sequence: int
    state_hash: str
    commands: dict[str, int]
    events: dict[str, int]


class Replay:
    """Feeds records to an engine and a sequencer, and compares."""

    def __init__(self, engine: ReplayableEngine, sequencer: Sequencer) -> None:
        self._engine = engine
        self._sequencer = sequencer
        self._counts = array("q", bytes(8 * KINDS_MAX))
        self._kinds = self._counts

    @property
    def last_sequence(self) -> int:
        return self._sequencer.last_sequence

    def apply(self, records: bytes) -> None:
        """Take in whole, checked records, the next ones in sequence, and marks between them.

        Raises `ReplayError`.
        """
        words = memoryview(records).cast("Q")
        last = len(words)
        at = 0
        while at < last:
            end = at + (words[at] >> 35)  # the size in bytes, from the header's upper half
            if end - at > RECORD_WORDS:  # a mark is a header alone
                self._apply(records, words, at, end)
            at = end

    def _apply(self, records: bytes, words: memoryview, at: int, end: int) -> None:
        sequence = words[at + 1]
        timestamp_ns = words[at + 2]
        start = at + RECORD_WORDS
        events_start = start + (words[start] >> 35)
        command = records[8 * start : 8 * events_start]
        events = records[8 * events_start : 8 * end]
        try:
            self._sequencer.restore(sequence, timestamp_ns, words[start + 1], words[start + 2])
            made = self._engine.apply(command, sequence, timestamp_ns)
        except Exception as error:
            raise ReplayError(sequence, f"{type(error).__name__}: {error}") from error
        if made != events:
            raise ReplayError(sequence, _difference(events, made))
        while start < end:
            self._kinds[words[start] & KIND_MASK] += 1
            start += words[start] >> 35

    def result(self) -> ReplayResult:
        named = {_NAMES[kind]: count for kind, count in enumerate(self._counts) if count}
        commands = {m.__name__ for m in LAYOUTS if m.__module__.endswith("commands")}
        return ReplayResult(
            self._sequencer.last_sequence,
            self._engine.state_hash(),
            {name: count for name, count in named.items() if name in commands},
            {name: count for name, count in named.items() if name not in commands},
        )


def _difference(read: bytes, made: bytes) -> str:
    """Return the first event in which the two differ, as read and as made."""
    read_events, made_events = _messages(read), _messages(made)
    for index in range(max(len(read_events), len(made_events))):
        was = read_events[index] if index < len(read_events) else None
        now = made_events[index] if index < len(made_events) else None
        if was != now:
            return f"event {index} was {was} in the journal, is {now} now"
    return "the same events in other bytes"


def _messages(data: bytes) -> list[Message | str]:
    messages: list[Message | str] = []
    at = 0
    while at < len(data):
        try:
            message, at = unpack(data, at)
        except CodecError as error:
            return [*messages, str(error)]
        messages.append(message)
    return messages

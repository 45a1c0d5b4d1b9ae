"""One number over everything: the place of an event in the stream that all strategies see."""

from __future__ import annotations

from trading.events import AnyEvent


class Sequencer:
    """Gathers the events in order. `last` is the last number used, by a process before, too."""

    def __init__(self, last: int) -> None:
        self.last = last
        self._events: list[AnyEvent] = []

    @property
    def next(self) -> int:
        """Return the number that the next event must have."""
        return self.last + 1

    def append(self, event: AnyEvent) -> None:
        assert event.stream_sequence == self.last + 1
        self.last += 1
        self._events.append(event)

    def take(self) -> list[AnyEvent]:
        """Return the events since the last call."""
        events, self._events = self._events, []
        return events

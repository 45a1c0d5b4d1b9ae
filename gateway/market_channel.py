"""A reader of one market-data channel: finds gaps and fills them from the snapshot.

`vocabulary.market_data` has the procedure. No I/O: the owner asks `needs_snapshot` and brings one.
"""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from vocabulary.market_data import Mark, Message, Snapshot

HELD_MESSAGES_MAX = 1_000

M = TypeVar("M", bound=Message)
S_contra = TypeVar("S_contra", bound=Snapshot, contravariant=True)


class FoldedView(Protocol[M, S_contra]):
    """A view of `gateway.market_view`."""

    mark: Mark

    def apply(self, message: M) -> None: ...

    def replace(self, snapshot: S_contra) -> M: ...


class ChannelReader(Generic[M, S_contra]):
    """Keeps a view right though messages may be missing.

    Without a gap a message is applied at once. From a gap until a snapshot that reaches over it,
    messages are held; then the view changes once, and they follow. What the methods return is what
    whoever follows the view is to be told: one message that leads over the gap, in the same chain.
    The first snapshot is nobody's news.
    """

    def __init__(self, view: FoldedView[M, S_contra]) -> None:
        self.gaps = 0
        self.refills = 0
        self._view = view
        # None while there is no gap; else how far a snapshot must reach to be of use.
        self._required: Mark | None = Mark(0, 0)
        self._held: list[M] = []

    @property
    def needs_snapshot(self) -> bool:
        return self._required is not None

    def receive(self, message: M) -> list[M]:
        """Take a message in."""
        if self._required is None:
            if message.previous_sequence == self._view.mark.sequence:
                self._view.apply(message)
                return [message]
            self.gaps += 1
        self._hold(message)
        return []

    def receive_heartbeat(self, mark: Mark) -> None:
        """Take in where the channel stands behind the messages received so far."""
        if self._required is None and mark != self._view.mark:
            self.gaps += 1
            self._required = mark

    def receive_snapshot(self, snapshot: S_contra) -> list[M]:
        """Take a snapshot in; one that does not reach far enough changes nothing."""
        reached = Mark(snapshot.sequence, snapshot.timestamp_ns)
        if self._required is None or reached < self._required:
            return []
        is_first = self._view.mark.sequence == 0
        change = self._view.replace(snapshot)
        following = [one for one in self._held if Mark(one.sequence, one.timestamp_ns) > reached]
        for message in following:
            self._view.apply(message)
        self._required = None
        self._held.clear()
        self.refills += not is_first
        return following if is_first else [change, *following]

    def _hold(self, message: M) -> None:
        """Hold a message until the snapshot reaches its predecessor."""
        held = self._held
        is_next = bool(held) and held[-1].sequence == message.previous_sequence
        if not is_next or len(held) == HELD_MESSAGES_MAX:
            # Another gap, or too many to wait with: let the snapshot reach up to this one.
            held.clear()
            self._required = Mark(message.previous_sequence, 0)
        held.append(message)

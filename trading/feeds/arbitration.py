"""One sequence out of several copies of it, as redundant connections bring them.

The first copy of a message wins, later ones are dropped and counted. A message that comes ahead of
what is missing is held back for a while: another connection may still bring what this one lost, and
nobody notices. Only when that time is over is there a gap.
"""

from __future__ import annotations

from collections import Counter
from typing import Generic, NamedTuple, TypeVar

Item = TypeVar("Item")

PATIENCE_NS = 100_000_000
HELD_MAX = 1_000


class Gap(NamedTuple, Generic[Item]):
    """What is missing lies behind `after` and up to `until`; `items` follow it."""

    after: int
    until: int
    items: list[Item]


class _Held(NamedTuple, Generic[Item]):
    previous: int
    item: Item


class Arbiter(Generic[Item]):
    """The sequence of one channel. A message covers the numbers behind `previous` up to `last`.

    A message that overlaps with what was taken is taken, too: connections may cut the same changes
    into messages differently, and each says how things are at its end.

    `counts` gets `duplicates` and `gaps_filled`.
    """

    def __init__(self, counts: Counter[str], patience_ns: int = PATIENCE_NS) -> None:
        self.last: int | None = None
        """Up to which number everything was handed on; None before the first message."""
        self._counts = counts
        self._patience_ns = patience_ns
        self._held: dict[int, _Held[Item]] = {}  # by their `last`
        self._deadline_ns = 0

    def receive(self, previous: int, last: int, item: Item, now_ns: int) -> list[Item]:
        """Take a message of any connection; return what is next in order, often just that."""
        if self.last is None:
            self.last = last
            return [item]
        held = self._held.get(last)
        if last <= self.last or (held is not None and held.previous <= previous):
            self._counts["duplicates"] += 1
            return []
        if previous <= self.last:
            self.last = last
            return [item, *self._follow()] if self._held else [item]
        if not self._held:
            self._deadline_ns = now_ns + self._patience_ns
        self._held[last] = _Held(previous, item)
        return []

    def give_up(self, now_ns: int) -> Gap[Item] | None:
        """Return the gap that was waited for in vain, if there is one, and go on behind it."""
        if not self._held or (now_ns < self._deadline_ns and len(self._held) <= HELD_MAX):
            return None
        assert self.last is not None
        after = self.last
        self.last = until = min(held.previous for held in self._held.values())
        gap = Gap(after, until, self._take_held())
        self._deadline_ns = now_ns + self._patience_ns  # of those still held
        return gap

    def restart(self) -> None:
        """Forget where the sequence was: the next message begins anew."""
        self.last = None
        self._held.clear()

    def _follow(self) -> list[Item]:
        items = self._take_held()
        if not self._held:
            self._counts["gaps_filled"] += 1
        return items

    def _take_held(self) -> list[Item]:
        """Return the held messages that are next now, and drop those that are covered."""
        assert self.last is not None
        items = []
        for last in sorted(self._held):
            held = self._held[last]
            if held.previous > self.last:
                break
            del self._held[last]
            if last > self.last:
                self.last = last
                items.append(held.item)
            else:
                self._counts["duplicates"] += 1
        return items

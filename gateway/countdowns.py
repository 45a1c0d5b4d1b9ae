"""Countdowns to the cancel of an account's orders in a symbol, which a client that lives renews.

As `countdownCancelAll` of Binance's futures: whoever does not set it anew in time has all orders
there canceled. It is for doors without sessions, as cancel on disconnect is for those with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

MILLISECOND_NS = 1_000_000
RETRY_NS = 1_000_000_000


class Target(NamedTuple):
    """Whose orders, and in which symbol."""

    account_id: int
    symbol: str

    def text(self) -> str:
        """Return it as one word, as `parse` reads it."""
        return f"{self.account_id}:{self.symbol}"

    @classmethod
    def parse(cls, text: str) -> Target:
        account_id, _, symbol = text.partition(":")
        return cls(int(account_id), symbol)


class Countdowns:
    """All that one process was asked for. Times are UTC nanoseconds."""

    def __init__(self) -> None:
        self._due_ns: dict[Target, int] = {}

    def __len__(self) -> int:
        return len(self._due_ns)

    def __iter__(self) -> Iterator[Target]:
        return iter(self._due_ns)

    def set(self, target: Target, countdown_ms: int, now_ns: int) -> None:
        """Begin a countdown anew; 0 ends it."""
        if countdown_ms:
            self._due_ns[target] = now_ns + countdown_ms * MILLISECOND_NS
        else:
            self._due_ns.pop(target, None)

    def left_ms(self, target: Target, now_ns: int) -> int:
        """Return what is left of a countdown, at least 1; 0 if there is none."""
        due_ns = self._due_ns.get(target)
        return 0 if due_ns is None else max(1, (due_ns - now_ns) // MILLISECOND_NS)

    def take_due(self, now_ns: int) -> list[Target]:
        """Return whose time is over. What can't be canceled now is to be given to `retry`."""
        due = [target for target, due_ns in self._due_ns.items() if due_ns <= now_ns]
        for target in due:
            del self._due_ns[target]
        return due

    def retry(self, target: Target, now_ns: int) -> None:
        """Let a cancel that was not executed be tried again, unless the client is back."""
        self._due_ns.setdefault(target, now_ns + RETRY_NS)

"""The seam between the handler and whatever brings it market data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from trading.feeds.handler import Input, Question

Receive = Callable[[Sequence[Input]], None]
"""Takes all that one wakeup brought."""


class Source(Protocol):
    """One connection to a venue, or a recording of one.

    What it brings, its connects and disconnects too, goes to the `Receive` that it was made with,
    in order and under its number.
    """

    is_live: bool
    """False: its times are those of a recording."""

    async def run(self) -> None:
        """Bring what there is, until cancelled or, for a recording, until its end."""

    async def ask(self, question: Question) -> None:
        """Have the answer brought. Raises `OSError` or `TimeoutError`."""

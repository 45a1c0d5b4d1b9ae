"""What a way to the venue is, whichever its door."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from trading.execution import venue as v

BACKOFF_S_MIN = 0.05
BACKOFF_S_MAX = 2.0


class LinkOwner(NamedTuple):
    """Whom a link tells. Both are called in the event loop and must be quick."""

    on_reports: Callable[[Sequence[v.VenueReport]], None]
    """With all that one wakeup brought, in order."""
    on_ready: Callable[[bool], None]
    """Whether requests may be sent; after a loss nothing that was asked is answered any more."""


class VenueLink(Protocol):
    """One account's link. `run` keeps it up until it is cancelled."""

    async def run(self) -> None: ...

    def send(self, requests: Sequence[v.Request]) -> None:
        """Send requests in one write; without a connection they are dropped, as if lost there."""

    async def ask(self, method: str, **parameters: str | int) -> Any:
        """Ask anything that is signed over JSON; return the result.

        Raises `VenueError` if it was refused, `ConnectionError` or `TimeoutError` without answer.
        """


class VenueError(Exception):
    """The venue refused a question; says why."""

"""What a store of leases promises, whatever it is made of.

A lease has a name and at most one holder at any moment of the store's clock. It ends by itself a
time to live after its holder last renewed it. Each new holding has a *fencing token* higher than
all before it, so that who is told to act by a former holder, one that was paused and does not know,
can tell by the token. Source: Gray & Cheriton, "Leases", SOSP 1989; fencing: Burrows, "The Chubby
lock service", OSDI 2006, section 2.4 ("sequencers").
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol


class LeaseStoreError(Exception):
    """The store did not answer, or not as it should. What it did meanwhile is unknown."""


class Member(NamedTuple):
    """An instance that stands for leases. `name`: of one process, and never used by another.

    `address` is where others reach it, `HOST:PORT`; empty if they need not.
    """

    name: str
    address: str


class Beat(NamedTuple):
    """What the store says to a member at `now_us`, microseconds of its own clock.

    `members`: all that are there. `tokens`: by the names of the leases that this one holds now.
    """

    now_us: int
    members: tuple[Member, ...]
    tokens: Mapping[str, int]


class LeaseStore(Protocol):
    """The leases and the members of one group. All methods may raise `LeaseStoreError`."""

    async def beat(self, member: Member, wanted: Collection[str], ttl_ms: int) -> Beat:
        """Announce the member, and let it hold what it wants, for a time to live from now.

        In one step: renews the wanted leases that it holds, gives it those that are free, and takes
        those that it holds and does not want. A lease that has ended is given anew, with a new
        token, also to its last holder.
        """

    async def leave(self, member: Member) -> None:
        """Forget the member; its leases are free at once."""

    async def members(self) -> tuple[Member, ...]:
        """Return who is there."""

    async def tokens(self) -> dict[str, int]:
        """Return the highest token ever given, by lease."""

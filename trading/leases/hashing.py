"""Rendezvous hashing: which member of a changing group is the first choice for a name.

Everyone who knows the same members chooses alike, without a word. A member that joins takes over
names from all others, one that leaves gives only its own away; no other name moves. Source:
Thaler & Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM Transactions on
Networking 6 (1998).
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b


def first_choice(name: str, members: Iterable[str]) -> str | None:
    """Return the member whose weight for the name is highest, None if there is no member."""
    return max(members, key=lambda member: (_weight(name, member), member), default=None)


def _weight(name: str, member: str) -> bytes:
    return blake2b(f"{name}\0{member}".encode(), digest_size=8).digest()

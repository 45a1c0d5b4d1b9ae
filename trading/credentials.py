"""By what the venue knows us."""

from __future__ import annotations

from typing import NamedTuple


class Credentials(NamedTuple):
    """An API key and its secret, which no log gets."""

    api_key: str
    secret: str

    def __repr__(self) -> str:
        return f"Credentials({self.api_key!r})"

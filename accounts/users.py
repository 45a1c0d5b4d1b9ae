"""The people who own the money, as far as the venue knows them."""

from __future__ import annotations

from typing import NamedTuple

ACCOUNT_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""What an account may be called: it stands in paths, on command lines and in FIX's Account(1)."""


class Account(NamedTuple):
    account_id: int
    name: str

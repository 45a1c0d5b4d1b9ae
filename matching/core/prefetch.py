"""What is needed soon is fetched into the caches while something else is done.

A command waits for memory longer than for anything, and one that is known ahead need not: none of
these waits. `prefetch.pxd` has the compiled form; Python itself is too slow to gain by it, and does
nothing.

An address that is read on the way must have been fetched before, so things that lie behind one
another take steps: first for all commands to come, where to look for what each is about; then that;
then what is beside it.
"""

from typing import Any

FETCH_STEPS = 3


def place(things: list[Any], index: int) -> None:
    """Fetch where a list has an element."""


def thing(things: list[Any], index: int) -> None:
    """Fetch an element itself. Its place is read."""


def beside(order: Any) -> None:
    """Fetch an order's level and neighbours. The order is read."""


def terms(order: Any) -> None:
    """Fetch what ends an order of the engine, but its first lines, its account and funds."""


def funds(account: Any) -> None:
    """Fetch the funds that an account's next order most likely concerns. The account is read."""


def front(level: Any) -> None:
    """Fetch the first order of a level, which is read."""


def back(level: Any) -> None:
    """Fetch the last one, likewise."""

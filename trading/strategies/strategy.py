"""What every strategy is.

A strategy trades one symbol. `step` is a function of the state and the event, and of nothing else:
no clock (events have times), no chance (a seed in the parameters, a generator's state in the
state), no network. The state's `market` and `orders` have taken the event in already when it is
called; what the strategy itself remembers is its own to change, in place or anew.

What it wants becomes a decision, unless it can't be: an order is canceled once, and when the venue
has accepted it; prices and sizes are within the venue's bounds; the machine bounds how many orders
may be open (`trading.alpha.machine`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeVar

from trading.alpha.market import Market
from trading.alpha.orders import OwnOrders
from trading.decisions import OrderStyle
from trading.events import AnyEvent
from vocabulary.types import Side


class Place(NamedTuple):
    """Wants a new order."""

    side: Side
    price_ticks: int
    lots: int
    style: OrderStyle


class Cancel(NamedTuple):
    """Wants an open order gone; `order` is the number of the decision that placed it."""

    order: int


Wanted = Sequence[Place | Cancel]


class StrategyState(Protocol):
    """What a state has, beside what the strategy itself remembers."""

    market: Market
    orders: OwnOrders


S = TypeVar("S", bound=StrategyState)


class Strategy(Protocol[S]):
    """A strategy; its parameters are fixed when it is made."""

    def begin(self, market: Market, orders: OwnOrders) -> S:
        """Return the state before the first event."""

    def step(self, state: S, event: AnyEvent) -> tuple[S, Wanted]:
        """Return the state after the event, and what the strategy wants done."""

    def save(self, state: S) -> tuple[int, ...]:
        """Return what the strategy remembers beside `market` and `orders`."""

    def load(self, market: Market, orders: OwnOrders, memory: tuple[int, ...]) -> S:
        """Return the state of which `save` returned `memory`. Raises `ValueError`."""

"""What the simulated traders trade, and how they make up their minds."""

import math
import random
from collections import OrderedDict
from typing import NamedTuple

from agio.standard_listings import LISTINGS, Listing
from vocabulary.instrument import decimal_text


class Market(NamedTuple):
    """An instrument as the demo trades it: its price to begin with, and how many lots an order has.

    `lots` is the range of an order's quantity.
    """

    listing: Listing
    start_ticks: int
    lots: tuple[int, int]

    @property
    def symbol(self) -> str:
        return self.listing.symbol


FUNDS = {"BTC": "100", "ETH": "2000", "USDT": "10000000"}
MARKETS = tuple(
    Market(listing, start_ticks, lots)
    for listing, start_ticks, lots in zip(
        LISTINGS,
        (6_500_000, 325_000, 5_000),
        ((100, 20_000), (100, 20_000), (10, 2_000)),
        strict=True,
    )
)

OPEN_ORDERS_MAX = 40  # a trader's, in all its markets
DRIFT_PER_STEP = 2e-5
SPREAD = 2e-4
TAKE_SHARE, CANCEL_SHARE = 0.35, 0.15


class FairPrices:
    """Where the demo's prices wander, in ticks; ETHBTC follows from the other two."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._ticks = {market.symbol: float(market.start_ticks) for market in MARKETS}

    def step(self, symbol: str) -> float:
        """Let the price of `symbol` take one step of its walk, and return it in ticks."""
        if symbol == "ETHBTC":
            return self._ticks["ETHUSDT"] / self._ticks["BTCUSDT"] * 10**5
        self._ticks[symbol] *= math.exp(self._chance.gauss(0, DRIFT_PER_STEP))
        return self._ticks[symbol]


class Enter(NamedTuple):
    """A wish for a limit order; an immediate one does not rest (IOC)."""

    client_order_id: str
    symbol: str
    is_buy: bool
    price: str
    quantity: str
    is_immediate: bool


class Cancel(NamedTuple):
    """A wish to take an open order out."""

    client_order_id: str
    original_client_order_id: str
    symbol: str
    is_buy: bool


class Mind:
    """One trader's: it quotes around the fair price, takes now and then, and drops stale quotes."""

    def __init__(self, name: str, prices: FairPrices, chance: random.Random) -> None:
        self._name = name
        self._prices = prices
        self._chance = chance
        self._orders = 0
        self.open: OrderedDict[str, Enter] = OrderedDict()

    def next_wish(self) -> Enter | Cancel:
        share = self._chance.random()
        if self.open and (share < CANCEL_SHARE or len(self.open) >= OPEN_ORDERS_MAX):
            return self.cancel(next(iter(self.open)))
        return self._enter(is_immediate=share < CANCEL_SHARE + TAKE_SHARE)

    def cancel(self, client_order_id: str) -> Cancel:
        """Give up an order; it counts as closed from now on, whatever becomes of the cancel."""
        order = self.open.pop(client_order_id)
        return Cancel(self._next_id(), client_order_id, order.symbol, order.is_buy)

    def opened(self, order: Enter) -> None:
        self.open[order.client_order_id] = order

    def closed(self, client_order_id: str) -> None:
        self.open.pop(client_order_id, None)

    def _enter(self, *, is_immediate: bool) -> Enter:
        market = self._chance.choice(MARKETS)
        is_buy = self._chance.random() < 0.5
        away = abs(self._chance.gauss(0, SPREAD))
        better = is_buy is is_immediate  # a taker buys above the fair price, a maker below
        ticks = round(self._prices.step(market.symbol) * (1 + away if better else 1 - away))
        lots = self._chance.randint(*market.lots)
        return Enter(
            self._next_id(),
            market.symbol,
            is_buy,
            decimal_text(ticks, market.listing.tick_scale),
            decimal_text(lots, market.listing.lot_scale),
            is_immediate,
        )

    def _next_id(self) -> str:
        self._orders += 1
        return f"{self._name}-{self._orders}"

"""What the naive venue remembers, and what can be derived from it."""

from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from tests.oracles.naive_auction import naive_cross
from vocabulary import commands as c
from vocabulary.limits import NO_LIMITS, Limits
from vocabulary.types import (
    CLOSED_NAMES_MAX,
    MATCHES_PER_COMMAND_MAX,
    PRICE_TICKS_MAX,
    OrderFlags,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TradingPhase,
)


@dataclass(eq=False)
class NaiveOrder:
    order_id: int
    account_id: int
    instrument_id: int
    side: Side
    price: int
    quantity: int
    leaves: int
    flags: OrderFlags
    client_order_id: bytes
    content: tuple[object, ...]
    expire_time_ns: int = 0
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.NONE
    order_type: OrderType = OrderType.LIMIT
    time_in_force: TimeInForce = TimeInForce.GOOD_TILL_CANCEL
    limit: int = 0
    is_waiting: bool = False
    trigger: int = 0
    trailing_bps: int = 0
    best: int = 0
    budget: int = 0
    priority: int = 0
    display: int = 0  # what an iceberg shows at a time; 0: all
    shown: int = 0  # while it rests
    order_list: Any = None  # see `naive_lists`
    entered_by: int = 0  # a session
    turn: c.EnterOrder | None = None  # what it will be once the order before it is filled

    @property
    def hidden(self) -> int:
        return self.leaves - self.shown

    def show(self) -> None:
        self.shown = min(self.leaves, self.display or self.leaves)

    @property
    def is_market(self) -> bool:
        return self.order_type % 2 == 1

    @property
    def awaits_fall(self) -> bool:
        takes_profit = (OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)
        return (self.side is Side.SELL) != (self.order_type in takes_profit)

    def is_reached(self, price: int) -> bool:
        return price <= self.trigger if self.awaits_fall else price >= self.trigger

    def trail(self, price: int) -> None:
        """Follow a price, if it is the best one yet."""
        self.best = (max if self.awaits_fall else min)(self.best or price, price)
        distance = max(self.best * self.trailing_bps // 10_000, 1)
        moved = self.best - distance if self.awaits_fall else self.best + distance
        self.trigger = min(max(moved, 1), PRICE_TICKS_MAX)

    @property
    def is_budgeted(self) -> bool:
        """Say whether it holds an amount, not so much a lot."""
        return self.order_type is OrderType.MARKET and self.side is Side.BUY


@dataclass
class NaiveName:
    """A client order id that is not that of an open order any more."""

    account_id: int
    client_order_id: bytes
    order_id: int
    content: tuple[object, ...]
    closed_ns: int


class NaiveState:
    def __init__(self) -> None:
        self.assets: dict[int, c.ListAsset] = {}
        self.instruments: dict[int, c.ListInstrument] = {}
        self.limits: dict[int, Limits] = {}
        self.references: dict[int, int] = {}
        self.increments: dict[int, tuple[int, int]] = {}
        self.phases: dict[int, TradingPhase] = {}
        self.auction_ends_ns: dict[int, int] = {}
        self.uncrossing: dict[int, tuple[int, TradingPhase]] = {}  # price, and what follows
        self.indicative: dict[int, tuple[int, int, int]] = {}  # of the auctions, the oldest first
        self.tier_fees: dict[tuple[int, int], tuple[int, int]] = {}
        self.tiers: dict[int, int] = {}
        self.fees: dict[int, tuple[int, int]] = {}
        self.totals: dict[tuple[int, int], int] = {}
        self.open: list[NaiveOrder] = []
        self.closed: list[NaiveName] = []
        self.closed_names_max = CLOSED_NAMES_MAX
        self.trades: dict[int, int] = {}
        self.last_trades: dict[int, int] = {}
        self.moves: list[tuple[int, int]] = []  # instrument and price of trades, not looked at yet
        self.prevented: dict[int, int] = {}
        self.amendments: dict[tuple[int, int], int | None] = {}  # none: busted
        self.prevention: dict[int, SelfTradePrevention] = {}
        self.heard_of: set[int] = set()
        self.suspended: set[int] = set()
        self.priorities = 0
        self.now_ns = 0
        self.matches_max = MATCHES_PER_COMMAND_MAX
        self.matches = 0  # that the command at hand made
        self.is_exhausted = False
        self.interrupted = 0  # the instrument in which the command at hand was

    def spent_asset(self, instrument_id: int, side: Side) -> int:
        terms = self.instruments[instrument_id]
        return terms.quote_asset_id if side is Side.BUY else terms.base_asset_id

    def worth(self, instrument_id: int, side: Side, price: int, lots: int) -> int:
        """Return what an order of these terms could spend."""
        terms = self.instruments[instrument_id]
        return lots * (price * terms.tick_lot_units if side is Side.BUY else terms.lot_units)

    def held(self, account_id: int, asset_id: int) -> int:
        return sum(
            self.worth(order.instrument_id, order.side, order.price, order.leaves)
            for order in self.open
            if order.account_id == account_id
            and self.spent_asset(order.instrument_id, order.side) == asset_id
        )

    def available(self, account_id: int, asset_id: int) -> int:
        return self.totals.get((account_id, asset_id), 0) - self.held(account_id, asset_id)

    def funds(self) -> list[tuple[int, int, int, int]]:
        return [
            (account, asset, self.available(account, asset), self.held(account, asset))
            for (account, asset), total in sorted(self.totals.items())
            if total
        ]

    def queue(self, instrument_id: int, side: Side) -> list[NaiveOrder]:
        """Return the resting orders of a side: best price first, oldest first."""
        sign = -1 if side is Side.BUY else 1
        here = [order for order in self.open if order.instrument_id == instrument_id]
        orders = [order for order in here if order.side is side and not order.is_waiting]
        return sorted(orders, key=lambda order: (sign * order.price, order.priority))

    def counterparties(self, instrument_id: int, side: Side, limit: int) -> list[NaiveOrder]:
        """Those that an order of this side and limit would trade with."""
        other = Side.SELL if side is Side.BUY else Side.BUY
        return [
            order
            for order in self.queue(instrument_id, other)
            if (order.price <= limit if side is Side.BUY else order.price >= limit)
        ]

    def has_too_many(self, account_id: int, instrument_id: int) -> bool:
        """Say whether an account has as many open orders as it may have in the instrument."""
        mine = [order for order in self.open if order.account_id == account_id]
        here = [order for order in mine if order.instrument_id == instrument_id]
        limits = self.limits.get(instrument_id, NO_LIMITS)
        return 0 < limits.open_orders_max <= len(here)

    def band(self, instrument_id: int, ppm: int) -> tuple[int, int]:
        """Return the lowest and highest price that is no more than so far from the reference."""
        reference = self.references[instrument_id]
        if not ppm or not reference:
            return 1, PRICE_TICKS_MAX
        width = reference * ppm // 1_000_000
        return max(reference - width, 1), min(reference + width, PRICE_TICKS_MAX)

    def cross(self, instrument_id: int) -> tuple[int, int, int]:
        """Return the price of an auction, what would trade and what would be left over."""
        buys, sells = (
            [(order.price, order.leaves) for order in self.queue(instrument_id, side)]
            for side in (Side.BUY, Side.SELL)
        )
        step, _ = self.increments[instrument_id]
        return naive_cross(buys, sells, self.references[instrument_id], step)

    def fees_of(self, account_id: int, instrument_id: int) -> tuple[int, int]:
        """Return what an account pays as maker and as taker: the most specific fees there are."""
        tier = self.tiers.get(account_id, 0)
        for key in ((tier, instrument_id), (tier, 0)):
            if tier and key in self.tier_fees:
                return self.tier_fees[key]
        return self.fees[instrument_id]

    def is_calm(self, instrument_id: int, price: int) -> bool:
        lowest, highest = self.band(instrument_id, self.limits[instrument_id].volatility_band_ppm)
        return lowest <= price <= highest

    def calm_counterparties(self, instrument_id: int, side: Side, limit: int) -> list[NaiveOrder]:
        """Those with which it would trade before an auction interrupts."""
        found = self.counterparties(instrument_id, side, limit)
        return list(takewhile(lambda order: self.is_calm(instrument_id, order.price), found))

    def next_expiry_ns(self) -> int:
        times = [order.expire_time_ns for order in self.open] + [*self.auction_ends_ns.values()]
        return min((time for time in times if time), default=0)

    def market_limit(self, instrument_id: int, side: Side) -> int:
        lowest, highest = self.band(instrument_id, self.limits[instrument_id].market_collar_ppm)
        return highest if side is Side.BUY else lowest

    def market_cost(self, instrument_id: int, lots: int, but_for: int | None) -> int:
        """Return what so many lots cost, bought of all accounts but one."""
        cost = 0
        limit = self.market_limit(instrument_id, Side.BUY)
        for order in self.calm_counterparties(instrument_id, Side.BUY, limit):
            if order.account_id == but_for:
                continue
            taken = min(lots, order.leaves)
            cost += self.worth(instrument_id, Side.BUY, order.price, taken)
            lots -= taken
        return cost

    def lots_for(self, order: NaiveOrder, amount: int) -> int:
        """Return how many lots an amount comes to, order by order; the last price counts on."""
        other = Side.SELL if order.side is Side.BUY else Side.BUY
        gives_way = order.self_trade_prevention is SelfTradePrevention.EXPIRE_MAKER
        tick_lot_units = self.instruments[order.instrument_id].tick_lot_units
        lots = cost = 0
        for resting in self.queue(order.instrument_id, other):
            if gives_way and resting.account_id == order.account_id:
                continue
            cost = resting.price * tick_lot_units
            taken = min(resting.leaves, amount // cost)
            lots += taken
            amount -= taken * cost
            if taken < resting.leaves:
                return lots
        return lots + amount // cost if cost else 0

    def named(self, account_id: int, client_order_id: bytes) -> NaiveOrder | None:
        for order in self.open:
            if (order.account_id, order.client_order_id) == (account_id, client_order_id):
                return order
        return None

    def taken(self, account_id: int, client_order_id: bytes) -> NaiveOrder | NaiveName | None:
        """Return what has the name, or had it within 24 hours: the newest such."""
        names = [name for name in self.closed if name.account_id == account_id]
        for name in reversed(names[-self.closed_names_max :]):
            is_young = self.now_ns - name.closed_ns < 24 * 3600 * 10**9
            if name.client_order_id == client_order_id and is_young:
                return name
        return self.named(account_id, client_order_id)

    def close(self, order: NaiveOrder) -> None:
        self.closed.append(
            NaiveName(
                order.account_id,
                order.client_order_id,
                order.order_id,
                order.content,
                self.now_ns,
            )
        )

    def find(self, command: c.CancelOrder | c.ReplaceOrder) -> NaiveOrder | None:
        for order in self.open:
            mine = order.account_id == command.account_id
            here = order.instrument_id == command.instrument_id
            if command.order_id:
                meant = order.order_id == command.order_id
            else:
                meant = order.client_order_id == command.original_client_order_id
            if mine and here and meant:
                return order
        return None

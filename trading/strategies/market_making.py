"""Market making with inventory skew.

Source: M. Avellaneda & S. Stoikov, "High-frequency trading in a limit order book", Quantitative
Finance 8 (2008), equations (29) and (30)::

    r  = s - q * gamma * sigma^2 * tau                 the reservation price
    r +- (gamma * sigma^2 * tau / 2 + h)               the quotes

s is the middle of the book, or the last trade's price while a side is empty, q the inventory in
quotes (`order_lots`), sigma^2 the price's variance per second, an exponential average over
`variance_samples` of one second. Simplified: tau is the constant `horizon_s`, as for a day without
an end, where the paper counts down to a close; and h = (1 / gamma) * ln(1 + gamma / k), which asks
how fast fills become rare away from the middle, is the constant `half_spread_ticks`.

What it is not: it knows nothing of its place in the queue, of who trades against it, nor that s
contains its own quotes. Where it is alone in the book the price stands still.
"""

from typing import TYPE_CHECKING

from trading.alpha.market import Market
from trading.alpha.orders import OwnOrders
from trading.events import AnyEvent, BookChanged, OrderReported, ReportKind, TradePrinted
from trading.strategies.quoting import quote
from trading.strategies.strategy import Wanted
from vocabulary.types import PRICE_TICKS_MAX, Side

if TYPE_CHECKING:
    from trading.strategies.parameters import MarketMakingParameters

SECOND_NS = 1_000_000_000
ONE = 1 << 16  # the variance's fixed point
_BUY, _SELL = Side.BUY, Side.SELL
_REFUSED = ReportKind.REFUSED


class MarketMakingState:
    """`variance`: of the middle, in half ticks squared per second, times `ONE`."""

    def __init__(self, market: Market, orders: OwnOrders) -> None:
        self.market = market
        self.orders = orders
        self.middle = 0  # for which was quoted last, in half ticks
        self.sampled_middle = 0
        self.sample_ns = 0  # when the next sample is due
        self.variance = 0
        self.resume_ns = 0


class MarketMaking:
    def __init__(self, parameters: "MarketMakingParameters") -> None:
        self.order_lots = parameters.order_lots
        self.position_lots_max = parameters.position_lots_max
        self.half_spread_ticks = parameters.half_spread_ticks
        # Per lot of inventory and unit of variance it would be this over `order_lots`.
        self.risk_ppm = parameters.risk_aversion_ppm * parameters.horizon_s
        self.variance_min = (2 * parameters.volatility_ticks_min) ** 2 * ONE
        self.variance_samples = parameters.variance_samples
        self.requote_ticks = parameters.requote_ticks
        self.pause_ns = parameters.pause_ms * 1_000_000

    def begin(self, market: Market, orders: OwnOrders) -> MarketMakingState:
        return MarketMakingState(market, orders)

    def step(self, state: MarketMakingState, event: AnyEvent) -> tuple[MarketMakingState, Wanted]:
        market = state.market
        middle = market.middle_half_ticks
        if not middle and market.is_in_sync:
            middle = 2 * market.trade_price_ticks
        if middle and market.now_ns >= state.sample_ns:
            self._sample(state, middle)
        is_market = type(event) is BookChanged or type(event) is TradePrinted
        if is_market and middle == state.middle:
            return state, ()
        if type(event) is OrderReported and event.kind is _REFUSED:
            state.resume_ns = event.received_ns + self.pause_ns
        state.middle = middle
        return state, self._quotes(state, middle)

    def save(self, state: MarketMakingState) -> tuple[int, ...]:
        return (
            state.middle,
            state.sampled_middle,
            state.sample_ns,
            state.variance,
            state.resume_ns,
        )

    def load(self, market: Market, orders: OwnOrders, memory: tuple[int, ...]) -> MarketMakingState:
        state = MarketMakingState(market, orders)
        (
            state.middle,
            state.sampled_middle,
            state.sample_ns,
            state.variance,
            state.resume_ns,
        ) = memory
        return state

    def _sample(self, state: MarketMakingState, middle: int) -> None:
        if state.sampled_middle:
            move = middle - state.sampled_middle
            state.variance += (move * move * ONE - state.variance) // self.variance_samples
        state.sampled_middle = middle
        state.sample_ns = state.market.now_ns + SECOND_NS

    def _quotes(self, state: MarketMakingState, middle: int) -> Wanted:
        orders = state.orders
        bid_ticks, ask_ticks = self._prices(state, middle) if middle else (0, 0)
        if orders.position_lots + self.order_lots > self.position_lots_max:
            bid_ticks = 0
        if orders.position_lots - self.order_lots < -self.position_lots_max:
            ask_ticks = 0
        may_place = state.market.now_ns >= state.resume_ns
        acts = [
            quote(orders, side, price_ticks, self.order_lots, self.requote_ticks)
            for side, price_ticks in ((_BUY, bid_ticks), (_SELL, ask_ticks))
            if may_place or orders.on(side)
        ]
        return [act for act in acts if act is not None]

    def _prices(self, state: MarketMakingState, middle: int) -> tuple[int, int]:
        """Return where to bid and to offer, in ticks, never where it would take."""
        risk = max(state.variance, self.variance_min) * self.risk_ppm
        scale = ONE * 1_000_000
        # sigma^2 is a fourth of the variance in ticks squared; all of this is in half ticks.
        skew = state.orders.position_lots * risk // (2 * self.order_lots * scale)
        half_spread = 2 * self.half_spread_ticks + risk // (4 * scale)
        bid_ticks = (middle - skew - half_spread) >> 1
        ask_ticks = -((skew - half_spread - middle) >> 1)
        best_ask_ticks = state.market.asks.best_ticks
        if best_ask_ticks:
            bid_ticks = min(bid_ticks, best_ask_ticks - 1)
        ask_ticks = max(ask_ticks, state.market.bids.best_ticks + 1)
        return max(bid_ticks, 0), min(ask_ticks, PRICE_TICKS_MAX)

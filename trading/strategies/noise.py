"""A zero-intelligence trader: it orders at random, and makes a market move.

Sources: D. Gode & S. Sunder, "Allocative efficiency of markets with zero-intelligence traders",
Journal of Political Economy 101 (1993); J. D. Farmer, P. Patelli & I. Zovko, "The predictive power
of zero intelligence in financial markets", PNAS 102 (2005). As in the latter it draws, for each
action, among an order that takes, a cancel of one of its open orders, and a resting order; the side
by a coin, the price uniformly over `range_ticks` from the opposite best price, the size uniformly.

Simplified: actions come at a constant rate, on the ticks of `TimePassed`, not by a Poisson process;
each order is canceled as likely as another. The draws are those of SplitMix64 (G. Steele, D. Lea &
C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014), whose state is the
strategy's.

What it is not: a strategy that can earn. It has neither a view nor Gode and Sunder's budget, only a
bound on its position; it pays those who make markets for its orders to trade.
"""

from hashlib import blake2b
from typing import TYPE_CHECKING

from trading.alpha.market import Market
from trading.alpha.orders import OwnOrders
from trading.decisions import OrderStyle
from trading.events import AnyEvent, TimePassed
from trading.strategies.strategy import Cancel, Place, Wanted
from vocabulary.types import Side

if TYPE_CHECKING:
    from trading.strategies.parameters import NoiseParameters

SECOND_NS = 1_000_000_000
MILLION = 1_000_000
MASK = 2**64 - 1
_BUY, _SELL = Side.BUY, Side.SELL


class NoiseState:
    """`random`: of the generator. `credit_ns`: time that has passed and brought no action yet."""

    def __init__(self, market: Market, orders: OwnOrders) -> None:
        self.market = market
        self.orders = orders
        self.random = 0
        self.clock_ns = 0
        self.credit_ns = 0


def draw(state: NoiseState, bound: int) -> int:
    """Return one of 0 to `bound` - 1, each as likely."""
    state.random = bits = (state.random + 0x9E3779B97F4A7C15) & MASK
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & MASK
    return ((bits ^ (bits >> 31)) * bound) >> 64


class Noise:
    def __init__(self, parameters: "NoiseParameters") -> None:
        self.seed = parameters.seed
        self.action_ns = SECOND_NS // parameters.actions_per_second
        self.market_ppm = parameters.market_ppm
        self.cancel_ppm = parameters.cancel_ppm
        self.order_lots = parameters.order_lots
        self.range_ticks = parameters.range_ticks
        self.orders_max = parameters.orders_max
        self.position_lots_max = parameters.position_lots_max
        self.start_price_ticks = parameters.start_price_ticks

    def begin(self, market: Market, orders: OwnOrders) -> NoiseState:
        state = NoiseState(market, orders)
        text = f"{self.seed} {orders.strategy} {market.symbol}"
        state.random = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
        return state

    def step(self, state: NoiseState, event: AnyEvent) -> tuple[NoiseState, Wanted]:
        if type(event) is not TimePassed:
            return state, ()
        now_ns = event.received_ns
        if state.clock_ns:
            # A pause of the feed is not made up for.
            state.credit_ns += min(max(now_ns - state.clock_ns, 0), SECOND_NS)
        state.clock_ns = now_ns
        wanted: list[Place | Cancel] = []
        while state.credit_ns >= self.action_ns:
            state.credit_ns -= self.action_ns
            act = self._act(state, wanted)
            if act is not None:
                wanted.append(act)
        return state, wanted

    def save(self, state: NoiseState) -> tuple[int, ...]:
        return (state.random, state.clock_ns, state.credit_ns)

    def load(self, market: Market, orders: OwnOrders, memory: tuple[int, ...]) -> NoiseState:
        state = NoiseState(market, orders)
        state.random, state.clock_ns, state.credit_ns = memory
        return state

    def _act(self, state: NoiseState, wanted: list[Place | Cancel]) -> Place | Cancel | None:
        """Draw what to do, beside what is wanted already."""
        chance = draw(state, MILLION)
        side = self._side(state)
        lots = 1 + draw(state, self.order_lots)
        if chance < self.market_ppm:
            return self._take(state, side, lots)
        placed = [act for act in wanted if isinstance(act, Place)]
        is_full = len(state.orders.live) + len(placed) >= self.orders_max
        if is_full or chance < self.market_ppm + self.cancel_ppm:
            return self._cancel(state, wanted)
        return self._rest(state, side, lots)

    def _side(self, state: NoiseState) -> Side:
        side = _BUY if draw(state, 2) else _SELL
        if state.orders.position_lots >= self.position_lots_max:
            return _SELL
        if state.orders.position_lots <= -self.position_lots_max:
            return _BUY
        return side

    def _take(self, state: NoiseState, side: Side, lots: int) -> Place | None:
        """Return an order at the opposite best price, unless it is one of its own."""
        opposite, other = (state.market.asks, _SELL) if side is _BUY else (state.market.bids, _BUY)
        best = opposite.best_ticks
        if not best or any(order.price_ticks == best for order in state.orders.on(other)):
            return None
        return Place(side, best, lots, OrderStyle.IMMEDIATE)

    def _rest(self, state: NoiseState, side: Side, lots: int) -> Place | None:
        bid_ticks, ask_ticks = state.market.bids.best_ticks, state.market.asks.best_ticks
        last_ticks = state.market.trade_price_ticks or self.start_price_ticks
        away = 1 + draw(state, self.range_ticks)
        if side is _BUY:
            price_ticks = (ask_ticks or bid_ticks or last_ticks) - away
        else:
            price_ticks = (bid_ticks or ask_ticks or last_ticks) + away
        if price_ticks < 1 or not (bid_ticks or ask_ticks or last_ticks):
            return None
        return Place(side, price_ticks, lots, OrderStyle.POST_ONLY)

    def _cancel(self, state: NoiseState, wanted: list[Place | Cancel]) -> Cancel | None:
        """Return the cancel of one of the open orders that is not being canceled."""
        canceled = {act.order for act in wanted if isinstance(act, Cancel)}
        open_orders = [
            order.number
            for order in state.orders.live.values()
            if order.is_open and not order.cancel and order.number not in canceled
        ]
        return Cancel(open_orders[draw(state, len(open_orders))]) if open_orders else None

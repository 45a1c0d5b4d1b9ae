"""Order flow imbalance at the best prices.

Source: R. Cont, A. Kukanov & S. Stoikov, "The price impact of order book events", Journal of
Financial Econometrics 12 (2014). Each event of the book adds::

    e =   q_bid     where the bid's price did not fall     - q_bid of before where it did not rise
        - q_ask     where the ask's price did not rise     + q_ask of before where it did not fall

and over an interval the flow OFI = sum of e goes with a move of the price of about OFI / (2 D)
ticks, D being the average size at the best prices. A move of `threshold_milliticks` by this measure
is taken as the next interval's direction: long or short by `position_lots`, otherwise flat.

What it is not: the paper's finding. That explains the move of the same interval, with a coefficient
which it estimates and we do not; that the push goes on is this strategy's own bet. Our own orders
are part of the flow.
"""

from typing import TYPE_CHECKING

from trading.alpha.market import Market
from trading.alpha.orders import OwnOrders
from trading.events import AnyEvent, BookChanged
from trading.strategies.quoting import approach
from trading.strategies.strategy import Wanted

if TYPE_CHECKING:
    from trading.strategies.parameters import ImbalanceParameters


class ImbalanceState:
    """The best prices and sizes of before, and what the interval has added up so far."""

    def __init__(self, market: Market, orders: OwnOrders) -> None:
        self.market = market
        self.orders = orders
        self.bid_ticks = 0
        self.bid_lots = 0
        self.ask_ticks = 0
        self.ask_lots = 0
        self.flow_lots = 0
        self.depth_lots = 0  # both best sizes, summed over `updates`
        self.updates = 0
        self.end_ns = 0  # of the interval


class Imbalance:
    def __init__(self, parameters: "ImbalanceParameters") -> None:
        self.interval_ns = parameters.interval_ms * 1_000_000
        self.threshold_milliticks = parameters.threshold_milliticks
        self.position_lots = parameters.position_lots
        self.slippage_ticks = parameters.slippage_ticks

    def begin(self, market: Market, orders: OwnOrders) -> ImbalanceState:
        return ImbalanceState(market, orders)

    def step(self, state: ImbalanceState, event: AnyEvent) -> tuple[ImbalanceState, Wanted]:
        market = state.market
        if type(event) is BookChanged:
            self._add(state)
        if not state.bid_ticks or not market.middle_half_ticks:
            self._restart(state)
            return state, ()
        if market.now_ns < state.end_ns:
            return state, ()
        target = self._target(state)
        self._restart(state)
        wanted = approach(market, state.orders, target, self.position_lots, self.slippage_ticks)
        return state, wanted

    def save(self, state: ImbalanceState) -> tuple[int, ...]:
        return (
            state.bid_ticks,
            state.bid_lots,
            state.ask_ticks,
            state.ask_lots,
            state.flow_lots,
            state.depth_lots,
            state.updates,
            state.end_ns,
        )

    def load(self, market: Market, orders: OwnOrders, memory: tuple[int, ...]) -> ImbalanceState:
        state = ImbalanceState(market, orders)
        (
            state.bid_ticks,
            state.bid_lots,
            state.ask_ticks,
            state.ask_lots,
            state.flow_lots,
            state.depth_lots,
            state.updates,
            state.end_ns,
        ) = memory
        return state

    def _add(self, state: ImbalanceState) -> None:
        """Add what the event did to the best prices, if both sides are there."""
        bids, asks = state.market.bids, state.market.asks
        bid_ticks, ask_ticks = bids.best_ticks, asks.best_ticks
        if not bid_ticks or not ask_ticks or not state.bid_ticks:
            return
        bid_lots, ask_lots = bids.best_lots, asks.best_lots
        flow = 0
        if bid_ticks >= state.bid_ticks:
            flow += bid_lots
        if bid_ticks <= state.bid_ticks:
            flow -= state.bid_lots
        if ask_ticks <= state.ask_ticks:
            flow -= ask_lots
        if ask_ticks >= state.ask_ticks:
            flow += state.ask_lots
        state.flow_lots += flow
        state.depth_lots += bid_lots + ask_lots
        state.updates += 1
        state.bid_ticks, state.bid_lots = bid_ticks, bid_lots
        state.ask_ticks, state.ask_lots = ask_ticks, ask_lots

    def _target(self, state: ImbalanceState) -> int:
        """Return the position in lots that follows from the interval's flow."""
        if not state.updates:
            return 0
        # OFI / (2 D) with D = depth_lots / (2 * updates), against the threshold.
        push = state.flow_lots * state.updates * 1_000
        threshold = self.threshold_milliticks * state.depth_lots
        if abs(push) < threshold:
            return 0
        return self.position_lots if push > 0 else -self.position_lots

    def _restart(self, state: ImbalanceState) -> None:
        """Begin an interval at the book as it is; at an empty side there is none."""
        bids, asks = state.market.bids, state.market.asks
        has_both = bids.best_ticks and asks.best_ticks
        state.bid_ticks, state.bid_lots = (bids.best_ticks, bids.best_lots) if has_both else (0, 0)
        state.ask_ticks, state.ask_lots = (asks.best_ticks, asks.best_lots) if has_both else (0, 0)
        state.flow_lots = state.depth_lots = state.updates = 0
        state.end_ns = state.market.now_ns + self.interval_ns

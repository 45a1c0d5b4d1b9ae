"""Moving-average momentum.

Source: W. Brock, J. Lakonishok & B. LeBaron, "Simple technical trading rules and the stochastic
properties of stock returns", Journal of Finance 47 (1992), the variable-length moving average with
a band, here of exponential averages::

    a(n) += 2 / (n + 1) * (s - a(n))     for n = fast_samples and slow_samples, at each sample
    long while a(fast) - a(slow) >  band
    short while a(fast) - a(slow) < -band
    flat between

s is the middle of the book. The position is approached with immediate orders, one a sample.

What it is not: a forecast. It follows what has moved, pays the spread for it, and loses in a market
that goes nowhere. Short means less than at the beginning: the account must have what is sold.
"""

from typing import TYPE_CHECKING

from trading.alpha.market import Market
from trading.alpha.orders import OwnOrders
from trading.events import AnyEvent
from trading.strategies.quoting import approach
from trading.strategies.strategy import Wanted

if TYPE_CHECKING:
    from trading.strategies.parameters import MomentumParameters

ONE = 1 << 16  # the averages' fixed point


class MomentumState:
    """`fast` and `slow`: the averages, in half ticks times `ONE`."""

    def __init__(self, market: Market, orders: OwnOrders) -> None:
        self.market = market
        self.orders = orders
        self.sample_ns = 0  # when the next sample is due
        self.samples = 0
        self.fast = 0
        self.slow = 0


class Momentum:
    def __init__(self, parameters: "MomentumParameters") -> None:
        self.sample_ns = parameters.sample_ms * 1_000_000
        self.fast_samples = parameters.fast_samples
        self.slow_samples = parameters.slow_samples
        self.band = 2 * parameters.band_ticks * ONE
        self.position_lots = parameters.position_lots
        self.order_lots = parameters.order_lots
        self.slippage_ticks = parameters.slippage_ticks

    def begin(self, market: Market, orders: OwnOrders) -> MomentumState:
        return MomentumState(market, orders)

    def step(self, state: MomentumState, event: AnyEvent) -> tuple[MomentumState, Wanted]:  # noqa: ARG002 (the market has it)
        market = state.market
        if market.now_ns < state.sample_ns:
            return state, ()
        middle = market.middle_half_ticks
        if not middle:
            return state, ()
        state.sample_ns = market.now_ns + self.sample_ns
        self._average(state, middle * ONE)
        if state.samples < self.slow_samples:
            return state, ()
        target = self._target(state.fast - state.slow)
        return state, approach(market, state.orders, target, self.order_lots, self.slippage_ticks)

    def save(self, state: MomentumState) -> tuple[int, ...]:
        return (state.sample_ns, state.samples, state.fast, state.slow)

    def load(self, market: Market, orders: OwnOrders, memory: tuple[int, ...]) -> MomentumState:
        state = MomentumState(market, orders)
        state.sample_ns, state.samples, state.fast, state.slow = memory
        return state

    def _average(self, state: MomentumState, price: int) -> None:
        state.samples += 1
        if state.samples == 1:
            state.fast = state.slow = price
            return
        state.fast += 2 * (price - state.fast) // (self.fast_samples + 1)
        state.slow += 2 * (price - state.slow) // (self.slow_samples + 1)

    def _target(self, lead: int) -> int:
        """Return the position in lots for how far the fast average is ahead."""
        if lead > self.band:
            return self.position_lots
        return -self.position_lots if lead < -self.band else 0

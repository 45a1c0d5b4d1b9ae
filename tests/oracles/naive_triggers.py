"""Orders that wait for a price, in the plainest form."""

from tests.oracles.naive_state import NaiveOrder, NaiveState
from vocabulary import commands as c
from vocabulary.rejects import RejectReason as R
from vocabulary.types import (
    INT64_MAX,
    PRICE_TICKS_MAX,
    TRAILING_BPS_MAX,
    OrderFlags,
    OrderType,
    Side,
    TimeInForce,
)

# Refusals that come behind those that an order's wait may bring.
NOT_OF_TERMS = {
    R.DISPLAY_QUANTITY_OUT_OF_RANGE,
    R.DUPLICATE_CLIENT_ORDER_ID,
    R.TOO_MANY_OPEN_ORDERS,
}
PLAIN = (OrderType.MARKET, OrderType.LIMIT)
IMMEDIATE = (TimeInForce.IMMEDIATE_OR_CANCEL, TimeInForce.FILL_OR_KILL)


class NaiveTriggers(NaiveState):
    def note_trades(self, instrument_id: int, first: int, last: int) -> None:
        self.last_trades[instrument_id] = last
        self.moves += [(instrument_id, first), (instrument_id, last)]

    def wait_refusals(self, command: c.EnterOrder) -> set[R]:
        """Return why an order's wait is refused, as far as it alone tells."""
        trigger, trailing = command.trigger_price_ticks, command.trailing_bps
        if command.order_type in PLAIN:
            return {R.UNSUPPORTED_ORDER} if trigger or trailing else set()
        reasons = set()
        takes_profit = command.order_type in (OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)
        is_market = command.order_type in (OrderType.STOP, OrderType.TAKE_PROFIT)
        if (
            OrderFlags.POST_ONLY in command.flags
            or (is_market and command.time_in_force in IMMEDIATE)
            or (trailing and (trigger or takes_profit))
        ):
            reasons.add(R.UNSUPPORTED_ORDER)
        if trailing > TRAILING_BPS_MAX or (not trailing and not 1 <= trigger <= PRICE_TICKS_MAX):
            reasons.add(R.TRIGGER_PRICE_OUT_OF_RANGE)
        return reasons

    def now_refusals(self, order: NaiveOrder) -> set[R]:
        """Return why an order can't wait as things are; gives it its trigger and its limit."""
        last = self.last_trades.get(order.instrument_id, 0)
        if order.trailing_bps and not last:
            return {R.NO_LAST_TRADE}
        if order.trailing_bps:
            order.trail(last)
        reasons = set()
        if order.is_market and order.side is Side.BUY:
            order.price = min(order.trigger + order.trigger // 10, PRICE_TICKS_MAX)
            worth = self.worth(order.instrument_id, order.side, order.price, order.quantity)
            if worth > INT64_MAX:
                reasons.add(R.NOTIONAL_TOO_LARGE)
        if last and order.is_reached(last):
            reasons.add(R.WOULD_TRIGGER)
        return reasons

    def reached(self, instrument_id: int, price: int, due: list[int]) -> list[NaiveOrder]:
        """Return whom a trade's price triggers, in the order in which it does."""
        waiting = [
            order
            for order in self.open
            if order.is_waiting
            and order.turn is None
            and order.instrument_id == instrument_id
            and order.order_id not in due
        ]
        for order in waiting:
            if order.trailing_bps:
                order.trail(price)
        hit = [order for order in waiting if order.is_reached(price)]
        falling = [order for order in hit if order.awaits_fall]
        rising = [order for order in hit if not order.awaits_fall]
        return [
            *sorted(falling, key=lambda order: (-order.trigger, order.order_id)),
            *sorted(rising, key=lambda order: (order.trigger, order.order_id)),
        ]

"""Changes of an instrument's increments, in the plainest form."""

from tests.oracles.naive_cancels import NaiveCancels
from tests.oracles.naive_matching import COLLECTING
from tests.oracles.naive_state import NaiveOrder
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.rejects import PRECEDENCE
from vocabulary.rejects import RejectReason as R
from vocabulary.types import PRICE_TICKS_MAX, QUANTITY_LOTS_MAX, CancelReason, TradingPhase


class NaiveIncrements(NaiveCancels):
    def change_increments(self, command: c.ChangeIncrements) -> list[e.Event]:
        instrument_id = command.instrument_id
        price_step, lot_step = command.price_increment_ticks, command.quantity_increment_lots
        if instrument_id not in self.instruments:
            return [e.CommandRejected(R.UNKNOWN_INSTRUMENT)]
        reasons = set()
        phase = self.phases[instrument_id]
        if phase is TradingPhase.DELISTED:
            reasons.add(R.INSTRUMENT_DELISTED)
        at_auction = phase in COLLECTING and phase is not TradingPhase.PRE_OPEN
        if phase is TradingPhase.TRADING or at_auction:
            reasons.add(R.STILL_TRADING)
        is_possible = 1 <= price_step <= PRICE_TICKS_MAX and 1 <= lot_step <= QUANTITY_LOTS_MAX
        if not is_possible or command.cancels_max < 0:
            reasons.add(R.INVALID_INCREMENT)
        if not reasons and command.cancels_max == 0 and self.misfits(command):
            reasons.add(R.ORDERS_OFF_INCREMENT)
        if reasons:
            return [e.CommandRejected(min(reasons, key=PRECEDENCE.__getitem__))]
        # Those that end with another of their list count, too.
        oldest_first = sorted(self.misfits(command), key=lambda order: order.order_id)
        events = [
            self.cancel_resting(order, CancelReason.OFF_INCREMENT)
            for order in oldest_first[: command.cancels_max]
        ]
        if self.misfits(command):
            return events
        self.increments[instrument_id] = (price_step, lot_step)
        return [*events, e.IncrementsChanged(instrument_id, price_step, lot_step)]

    def misfits(self, command: c.ChangeIncrements) -> list[NaiveOrder]:
        here = [order for order in self.open if order.instrument_id == command.instrument_id]
        return [
            order
            for order in here
            if any(price % command.price_increment_ticks for price in named_prices(order))
            or any(lots % command.quantity_increment_lots for lots in shown_lots(order))
        ]


def shown_lots(order: NaiveOrder) -> list[int]:
    """Return the quantities that its owner, or the market, is told."""
    lots = [order.quantity, order.leaves, order.display]
    return lots if order.is_waiting else [*lots, order.shown]


def named_prices(order: NaiveOrder) -> list[int]:
    """Return the prices that its owner has named, which a stop at market or that trails has not."""
    prices = [] if order.is_market else [order.price]
    if order.is_waiting and not order.trailing_bps:
        prices.append(order.trigger)
    return prices

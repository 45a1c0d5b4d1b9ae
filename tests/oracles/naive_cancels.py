"""Cancels of many orders at once, in the plainest form."""

from tests.oracles.naive_matching import NaiveMatching
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.rejects import RejectReason as R
from vocabulary.types import ID_MAX, CancelReason, Side, Sides


class NaiveCancels(NaiveMatching):
    def cancel_all(self, command: c.CancelAllOrders) -> list[e.Event]:
        if command.instrument_id and command.instrument_id not in self.instruments:
            return [e.CommandRejected(R.UNKNOWN_INSTRUMENT)]
        mine = [
            order
            for order in self.open
            if order.account_id == command.account_id
            and command.instrument_id in (0, order.instrument_id)
            and command.sides in (Sides.BOTH, order.side)
            and command.entered_by in (0, order.entered_by)
            and order.flags & command.flags == command.flags
        ]
        oldest_first = sorted(mine, key=lambda order: order.order_id)
        return [self.cancel_resting(order, CancelReason.MASS_CANCELED) for order in oldest_first]

    def suspend(self, command: c.SuspendAccount) -> list[e.Event]:
        account = command.account_id
        if not 1 <= account <= ID_MAX:
            return [e.CommandRejected(R.UNKNOWN_ACCOUNT)]
        self.heard_of.add(account)
        self.suspended.add(account)
        mine = [order for order in self.open if order.account_id == account]
        oldest_first = sorted(mine, key=lambda order: order.order_id)
        reason = CancelReason.ACCOUNT_SUSPENDED
        return [
            e.AccountSuspended(account),
            *(self.cancel_resting(order, reason) for order in oldest_first),
        ]

    def cancel_delisted(self, instrument_id: int, most: int) -> list[e.Event]:
        """Cancel the oldest first; of too many, first those that bid, then offer, then wait."""
        waiting = [o for o in self.open if o.is_waiting and o.instrument_id == instrument_id]
        here = [
            *self.queue(instrument_id, Side.BUY),
            *self.queue(instrument_id, Side.SELL),
            *sorted(waiting, key=lambda order: order.order_id),
        ]
        some = sorted(here[: most or len(here)], key=lambda order: order.order_id)
        return [self.cancel_resting(order, CancelReason.DELISTED) for order in some]

"""The naive venue's steps: orders trade, pass each other, rest and end."""

from copy import copy

import msgspec

from tests.oracles.naive_operations import NaiveOperations
from tests.oracles.naive_state import NaiveOrder
from vocabulary import events as e
from vocabulary.types import CancelReason, SelfTradePrevention, Side, TradingPhase

STP = SelfTradePrevention
COLLECTING = (
    TradingPhase.PRE_OPEN,
    TradingPhase.OPENING_AUCTION,
    TradingPhase.VOLATILITY_AUCTION,
    TradingPhase.CLOSING_AUCTION,
)


class NaiveMatching(NaiveOperations):
    def uncross(self, instrument_id: int, phase: TradingPhase, most: int) -> list[e.Event]:
        """Trade what crosses, but at most so many times; the rest of it has to wait its turn."""
        events: list[e.Event] = []
        trades = 0
        while True:
            price, _ = self.uncrossing.get(instrument_id, (0, phase))
            price = price or self.cross(instrument_id)[0]
            if not price:
                return events
            while price:
                buys = self.counterparties(instrument_id, Side.SELL, price)
                sells = self.counterparties(instrument_id, Side.BUY, price)
                if not buys or not sells:
                    self.uncrossing.pop(instrument_id, None)
                    break
                if trades == most and most:
                    self.uncrossing[instrument_id] = (price, phase)
                    return events
                trades += 1
                events += self.trade_at_auction(buys[0], sells[0], price)

    def trade_at_auction(self, buy: NaiveOrder, sell: NaiveOrder, price: int) -> list[e.Event]:
        self.references[buy.instrument_id] = self.last_trades[buy.instrument_id] = price
        lots = min(buy.shown, sell.shown)
        resting, incoming = sorted((buy, sell), key=lambda order: order.order_id)
        trade = self.trade(resting, incoming, price, buy.price, lots)
        resting.shown -= lots
        incoming.shown -= lots
        terms = (*msgspec.structs.astuple(trade), buy.price, sell.price)
        events: list[e.Event] = [e.AuctionTradeExecuted(*terms)]
        for order in (buy, sell):
            if order.leaves == 0:
                self.open.remove(order)
                self.close(order)
            elif order.shown == 0:
                events.append(self.refresh(order))
            self.touched(order, events[-1])
        return events

    def touched(self, order: NaiveOrder, event: e.Event) -> None:
        """Take in that an order has less left, by this event; here nothing depends on that."""

    def refresh(self, order: NaiveOrder) -> e.Event:
        """Let an iceberg whose slice has traded show the next one, behind all others."""
        order.show()
        self.priorities += 1
        order.priority = self.priorities
        return e.OrderRefreshed(
            order.order_id,
            order.account_id,
            order.instrument_id,
            order.side,
            order.price,
            order.shown,
        )

    def fillable(self, incoming: NaiveOrder) -> int:
        """Return how much of an order others would fill before it met one of its own account."""
        lots = 0
        sought = (incoming.instrument_id, incoming.side, incoming.limit)
        ahead = [copy(order) for order in self.calm_counterparties(*sought)]
        while ahead:
            order = ahead.pop(0)
            is_own = order.account_id == incoming.account_id
            if is_own and incoming.self_trade_prevention is STP.EXPIRE_MAKER:
                continue
            if is_own and incoming.self_trade_prevention is not STP.NONE:
                break
            lots += order.shown
            order.leaves -= order.shown
            order.show()
            if order.leaves:
                requeue(ahead, order)
        return lots

    def match(self, incoming: NaiveOrder, events: list[e.Event]) -> bool:
        """Trade; return whether the order must end as it met one of its own account."""
        if self.phases[incoming.instrument_id] in COLLECTING:
            return False
        met_itself = False
        sought = (incoming.instrument_id, incoming.side, incoming.limit)
        found = self.calm_counterparties(*sought)
        while found and incoming.leaves and self.matches < self.matches_max:
            self.matches += 1
            resting = found.pop(0)
            is_own = resting.account_id == incoming.account_id
            if is_own and incoming.self_trade_prevention is not STP.NONE:
                met_itself = self.prevent(resting, incoming, events)
                if resting in self.open:
                    self.touched(resting, events[-1])
                if met_itself:
                    break
                continue
            ready = incoming.price if incoming.side is Side.BUY else None
            lots = min(resting.shown, incoming.leaves)
            events.append(self.trade(resting, incoming, resting.price, ready, lots))
            resting.shown -= lots
            self.references[incoming.instrument_id] = resting.price
            if resting.leaves == 0:
                self.open.remove(resting)
                self.close(resting)
            elif resting.shown == 0:
                events.append(self.refresh(resting))
                requeue(found, resting)
            self.touched(resting, events[-1])
        if incoming.leaves == 0:
            self.touched(incoming, events[-1])
        prices = [event.price_ticks for event in events if isinstance(event, e.TradeExecuted)]
        if prices:
            self.note_trades(incoming.instrument_id, prices[0], prices[-1])
        if not met_itself and incoming.leaves and self.counterparties(*sought):
            self.interrupted = incoming.instrument_id
            self.is_exhausted = bool(found)
        return met_itself

    def takes_too_many(self, incoming: NaiveOrder) -> bool:
        """Say whether filling an order would be too many matches, all at the last price counted."""
        prevents = incoming.self_trade_prevention is not STP.NONE
        lots = incoming.leaves
        if lots <= self.matches_max - self.matches and not prevents:
            return False
        matches, price = 0, 0
        for resting in self.calm_counterparties(
            incoming.instrument_id, incoming.side, incoming.limit
        ):
            if lots <= 0 and resting.price != price:
                break
            price = resting.price
            matches += 1 + (-(-resting.hidden // resting.display) if resting.hidden else 0)
            if not prevents or resting.account_id != incoming.account_id:
                lots -= resting.leaves
        return matches > self.matches_max - self.matches

    def passes_itself(self, order: NaiveOrder, events: list[e.Event]) -> bool:
        """Let an order pass those of its account that it would rest crossed with.

        Return whether it must end. In trading it has none such: it has met them all.
        """
        if order.self_trade_prevention is STP.NONE:
            return False
        for resting in self.counterparties(order.instrument_id, order.side, order.price):
            if resting.account_id != order.account_id or resting not in self.open:
                continue
            ends = self.prevent(resting, order, events)
            if resting in self.open:
                self.touched(resting, events[-1])
            if ends:
                return True
        return False

    def prevent(self, resting: NaiveOrder, incoming: NaiveOrder, events: list[e.Event]) -> bool:
        """Let two orders of one account pass each other; return whether the incoming one ends."""
        mode = incoming.self_trade_prevention
        left = {"resting": resting.leaves, "incoming": incoming.leaves}
        if mode is STP.EXPIRE_TAKER:
            left["incoming"] = 0
        elif mode is STP.EXPIRE_MAKER:
            left["resting"] = 0
        elif mode is STP.EXPIRE_BOTH:
            left = {"resting": 0, "incoming": 0}
        else:
            least = min(left.values())
            left = {name: lots - least for name, lots in left.items()}
        decreases = []
        shown = min(resting.shown, left["resting"])  # what was hidden goes first
        hidden_decrease = resting.hidden - (left["resting"] - shown)
        for order, lots in ((resting, left["resting"]), (incoming, left["incoming"])):
            decreases.append(order.leaves - lots if lots else 0)
        self.prevented[incoming.instrument_id] += 1
        resting_worth, incoming_worth = (
            self.worth(order.instrument_id, order.side, order.price, lots)
            for order, lots in zip((resting, incoming), decreases, strict=True)
        )
        events.append(
            e.MatchPrevented(
                self.prevented[incoming.instrument_id],
                incoming.instrument_id,
                incoming.side,
                incoming.account_id,
                mode,
                resting.price,
                min(resting.leaves, incoming.leaves),
                resting.order_id,
                incoming.order_id,
                decreases[0],
                decreases[1],
                resting_worth,
                0 if incoming.is_budgeted else incoming_worth,
                hidden_decrease if decreases[0] else 0,
            )
        )
        for order, lots in zip((resting, incoming), decreases, strict=True):
            order.quantity -= lots
            order.leaves -= lots
        if decreases[0]:
            resting.shown = shown
        if not left["resting"]:
            events.append(self.cancel_resting(resting, CancelReason.SELF_TRADE_PREVENTED))
        return not left["incoming"]

    def trade(
        self,
        resting: NaiveOrder,
        incoming: NaiveOrder,
        price: int,
        ready: int | None,
        lots: int,
    ) -> e.TradeExecuted:
        """Let two orders meet; the buyer was `ready` to pay so much or None."""
        instrument_id = incoming.instrument_id
        terms = self.instruments[instrument_id]
        maker_ppm, _ = self.fees_of(resting.account_id, instrument_id)
        _, taker_ppm = self.fees_of(incoming.account_id, instrument_id)
        base = lots * terms.lot_units
        quote = lots * price * terms.tick_lot_units
        buys = incoming.side is Side.BUY
        paid = (terms.quote_asset_id, quote) if buys else (terms.base_asset_id, base)
        got = (terms.base_asset_id, base) if buys else (terms.quote_asset_id, quote)
        incoming_fee = -(-got[1] * taker_ppm // 1_000_000)
        resting_fee = -(-paid[1] * maker_ppm // 1_000_000)
        fee_asset = paid[0]
        if maker_ppm < 0:
            resting_fee = -min(got[1] * -maker_ppm // 1_000_000, incoming_fee)
            fee_asset = got[0]
        self.move(incoming.account_id, paid[0], -paid[1])
        self.move(resting.account_id, paid[0], paid[1])
        self.move(resting.account_id, fee_asset, -resting_fee)
        self.move(0, fee_asset, resting_fee)
        self.move(resting.account_id, got[0], -got[1])
        self.move(incoming.account_id, got[0], got[1] - incoming_fee)
        self.move(0, got[0], incoming_fee)
        resting.leaves -= lots
        incoming.leaves -= lots
        self.trades[instrument_id] += 1
        released = 0
        if incoming.is_budgeted:
            incoming.budget -= quote
            released = 0 if incoming.leaves else incoming.budget
        elif ready is not None:
            released = (ready - price) * lots * terms.tick_lot_units
        return e.TradeExecuted(
            trade_id=self.trades[instrument_id],
            instrument_id=instrument_id,
            incoming_side=incoming.side,
            price_ticks=price,
            quantity_lots=lots,
            base_units=base,
            quote_units=quote,
            resting_order_id=resting.order_id,
            incoming_order_id=incoming.order_id,
            resting_account_id=resting.account_id,
            incoming_account_id=incoming.account_id,
            resting_leaves_lots=resting.leaves,
            incoming_leaves_lots=incoming.leaves,
            resting_cumulative_lots=resting.quantity - resting.leaves,
            incoming_cumulative_lots=incoming.quantity - incoming.leaves,
            resting_fee_units=resting_fee,
            incoming_fee_units=incoming_fee,
            released_units=released,
        )

    def move(self, account_id: int, asset_id: int, units: int) -> None:
        key = (account_id, asset_id)
        self.totals[key] = self.totals.get(key, 0) + units

    def rest(self, order: NaiveOrder) -> e.Event:
        self.priorities += 1
        order.priority = self.priorities
        order.show()
        self.open.append(order)
        return e.OrderRested(
            order.order_id,
            order.account_id,
            order.instrument_id,
            order.side,
            order.price,
            order.leaves,
            order.hidden,
        )

    def unspent(self, order: NaiveOrder) -> int:
        """Return what an incoming order still holds."""
        if order.is_budgeted:
            return order.budget
        return self.worth(order.instrument_id, order.side, order.price, order.leaves)

    def end(self, order: NaiveOrder, reason: CancelReason) -> e.Event:
        return self.canceled(order, reason, self.unspent(order))

    def cancel_resting(self, order: NaiveOrder, reason: CancelReason) -> e.Event:
        self.open.remove(order)
        released = self.worth(order.instrument_id, order.side, order.price, order.leaves)
        return self.canceled(order, reason, released, was_resting=not order.is_waiting)

    def canceled(
        self, order: NaiveOrder, reason: CancelReason, released: int, *, was_resting: bool = False
    ) -> e.Event:
        self.close(order)
        return e.OrderCanceled(
            order.order_id,
            order.account_id,
            order.instrument_id,
            order.side,
            was_resting,
            reason,
            order.price if was_resting else 0,
            order.leaves,
            order.quantity - order.leaves,
            released,
            order.hidden if was_resting else 0,
        )


def requeue(queue: list[NaiveOrder], order: NaiveOrder) -> None:
    """Put an order behind the others of its price, which stand first."""
    queue.insert(sum(other.price == order.price for other in queue), order)

"""The venue's rules in the plainest form: lists are searched, nothing is kept that can be derived.

It says in full which events a command must cause. A refusal is the least of *all* reasons that
hold, so that it also checks the order of precedence. Funds held are not kept at all: they are what
the open orders could still spend.
"""

import msgspec

from tests.oracles.naive_matching import COLLECTING
from tests.oracles.naive_phases import NaivePhases
from tests.oracles.naive_state import NaiveOrder
from tests.oracles.naive_triggers import NOT_OF_TERMS, PLAIN
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.rejects import PRECEDENCE
from vocabulary.rejects import RejectReason as R
from vocabulary.types import (
    INT64_MAX,
    PRICE_TICKS_MAX,
    QUANTITY_LOTS_MAX,
    CancelReason,
    OrderFlags,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TradingPhase,
)

DAY_NS = 24 * 3600 * 10**9


# Those with which there is nothing to ask of what an iceberg displays.
NOT_TO_DISPLAY = {R.UNKNOWN_INSTRUMENT, R.QUANTITY_OUT_OF_RANGE, R.UNSUPPORTED_ORDER}
STP = SelfTradePrevention
NEVER_REST = (TimeInForce.IMMEDIATE_OR_CANCEL, TimeInForce.FILL_OR_KILL)


class NaiveVenue(NaivePhases):
    def apply(self, command: c.Command, sequence: int, now_ns: int = 0) -> list[e.Event]:
        self.now_ns = now_ns
        self.interrupted = self.matches = 0
        self.moves.clear()
        events = self.execute(command, sequence)
        events += self.cascade()
        events += self.interruption()
        return [*events, *self.indications()]

    def execute(self, command: c.Command, sequence: int) -> list[e.Event]:
        match command:
            case c.EnterOrder():
                return self.enter(command, sequence)
            case c.ReplaceOrder():
                return self.replace(command)
            case c.CancelOrder():
                return self.cancel(command)
            case c.CancelAllOrders():
                return self.cancel_all(command)
            case c.ExpireOrders():
                return self.expire(command.steps_max)
            case c.AmendTrade():
                return [self.amend(command)]
            case c.SuspendAccount():
                return self.suspend(command)
            case c.ResumeAccount():
                return [self.resume(command)]
            case c.CreditFunds():
                return [self.credit(command)]
            case c.SetSelfTradePrevention():
                return [self.set_self_trade_prevention(command)]
            case c.ChangePhase():
                return self.change_phase(command)
            case c.ChangeIncrements():
                return self.change_increments(command)
            case c.SetFees():
                return [self.set_fees(command)]
            case c.SetTierFees() | c.ClearTierFees():
                return [self.set_tier_fees(command)]
            case c.AssignFeeTier():
                return [self.assign_fee_tier(command)]
            case c.SetLimits():
                return [self.set_limits(command)]
            case c.SetReferencePrice():
                return [self.set_reference_price(command)]
            case c.ListAsset():
                self.assets[command.asset_id] = command
                return [e.AssetListed(command.asset_id, command.scale, command.name)]
            case c.ListInstrument():
                return [self.list_instrument(command)]
        raise AssertionError(command)

    # --- The commands.

    def terms_refusals(self, command: c.EnterOrder | c.ReplaceOrder, is_market: bool) -> set[R]:
        instrument = self.instruments.get(command.instrument_id)
        reasons = {R.ACCOUNT_SUSPENDED} if command.account_id in self.suspended else set()
        if instrument is None:
            return {*reasons, R.UNKNOWN_INSTRUMENT}
        price, lots = command.price_ticks, command.quantity_lots
        phase = self.phases[command.instrument_id]
        if phase is not TradingPhase.TRADING and phase not in COLLECTING:
            reasons.add(R.NOT_TRADING)
        if phase in COLLECTING and isinstance(command, c.EnterOrder):
            post_only = OrderFlags.POST_ONLY in command.flags
            waits = command.order_type not in PLAIN
            if is_market or waits or post_only or command.time_in_force in NEVER_REST:
                reasons.add(R.NOT_IN_AUCTION)
        limits = self.limits[command.instrument_id]
        lowest, highest = self.band(command.instrument_id, limits.price_band_ppm)
        if (price != 0) if is_market else not 1 <= price <= PRICE_TICKS_MAX:
            reasons.add(R.PRICE_OUT_OF_RANGE)
        if not is_market and not lowest <= price <= highest:
            reasons.add(R.PRICE_OUTSIDE_BAND)
        price_step, lot_step = self.increments[command.instrument_id]
        trigger = command.trigger_price_ticks if isinstance(command, c.EnterOrder) else 0
        if price % price_step or trigger % price_step:
            reasons.add(R.PRICE_OFF_INCREMENT)
        if isinstance(command, c.EnterOrder) and command.quote_units:
            amount = command.quote_units
            if amount < max(limits.notional_units_min, 1):
                reasons.add(R.NOTIONAL_TOO_SMALL)
            if amount > (limits.notional_units_max or INT64_MAX):
                reasons.add(R.NOTIONAL_TOO_LARGE)
            if lots or command.order_type is not OrderType.MARKET:
                reasons.add(R.UNSUPPORTED_ORDER)
            return reasons
        if not self.takes_quantity(command.instrument_id, lots):
            reasons.add(R.QUANTITY_OUT_OF_RANGE)
        if lots % lot_step:
            reasons.add(R.QUANTITY_OFF_INCREMENT)
        if not is_market and not reasons & {R.PRICE_OUT_OF_RANGE, R.QUANTITY_OUT_OF_RANGE}:
            notional = price * lots * instrument.tick_lot_units
            if notional < limits.notional_units_min:
                reasons.add(R.NOTIONAL_TOO_SMALL)
            if notional > (limits.notional_units_max or INT64_MAX):
                reasons.add(R.NOTIONAL_TOO_LARGE)
        return reasons

    def takes_quantity(self, instrument_id: int, lots: int) -> bool:
        limits = self.limits[instrument_id]
        base_units = lots * self.instruments[instrument_id].lot_units
        return (
            1 <= lots <= QUANTITY_LOTS_MAX
            and base_units <= INT64_MAX
            and limits.quantity_lots_min <= lots <= (limits.quantity_lots_max or lots)
        )

    def enter(self, command: c.EnterOrder, sequence: int) -> list[e.Event]:
        account = command.account_id
        content = msgspec.structs.astuple(command)[2:]
        known = self.taken(account, command.client_order_id)
        if known is not None and known.content == content:
            return [e.OrderRepeated(known.order_id, account, command.instrument_id)]
        reasons = self.entry_refusals(command)
        if known is not None:
            reasons.add(R.DUPLICATE_CLIENT_ORDER_ID)
        if self.has_too_many(account, command.instrument_id):
            reasons.add(R.TOO_MANY_OPEN_ORDERS)
        order = self.new_order(command, sequence, content)
        if order.display and not reasons & NOT_TO_DISPLAY:
            reasons |= self.display_refusals(order, order.quantity)
        if order.is_waiting and not reasons - NOT_OF_TERMS:
            reasons |= self.now_refusals(order)
        no_quantity: set[R] = set()
        if command.quote_units and not reasons:
            lots = self.lots_for(order, command.quote_units)
            lots -= lots % self.increments[order.instrument_id][1]
            order.quantity = order.leaves = lots
            if not self.takes_quantity(order.instrument_id, order.quantity):
                no_quantity.add(R.NO_QUANTITY_FOR_AMOUNT)
        if not reasons:
            order.limit = order.price
            if order.order_type is OrderType.MARKET:
                order.limit = self.market_limit(order.instrument_id, order.side)
            order.budget = self.cost(order)
            if command.quote_units and order.side is Side.BUY:
                order.budget = command.quote_units
            asset = self.spent_asset(command.instrument_id, command.side)
            if account not in self.heard_of or order.budget > self.available(account, asset):
                reasons.add(R.INSUFFICIENT_FUNDS)
            post_only = OrderFlags.POST_ONLY in command.flags
            if post_only and self.counterparties(order.instrument_id, order.side, order.limit):
                reasons.add(R.WOULD_TAKE_LIQUIDITY)
        reasons |= no_quantity
        if reasons:
            return [e.CommandRejected(min(reasons, key=PRECEDENCE.__getitem__))]
        events: list[e.Event] = [
            e.OrderAccepted(
                sequence,
                account,
                order.instrument_id,
                order.budget,
                order.quantity if command.quote_units else 0,
            )
        ]
        if order.is_waiting:
            self.open.append(order)
            return events
        return events + self.admit(order)

    def new_order(
        self, command: c.EnterOrder, sequence: int, content: tuple[object, ...]
    ) -> NaiveOrder:
        expire_time_ns = command.expire_time_ns
        if command.time_in_force is TimeInForce.DAY:
            expire_time_ns = (self.now_ns // DAY_NS + 1) * DAY_NS
        return NaiveOrder(
            sequence,
            command.account_id,
            command.instrument_id,
            command.side,
            command.price_ticks,
            command.quantity_lots,
            command.quantity_lots,
            command.flags,
            command.client_order_id,
            content,
            expire_time_ns,
            command.self_trade_prevention or self.prevention.get(command.account_id, STP.NONE),
            order_type=command.order_type,
            time_in_force=command.time_in_force,
            is_waiting=command.order_type not in PLAIN,
            trigger=command.trigger_price_ticks,
            trailing_bps=command.trailing_bps,
            display=command.display_lots,
            entered_by=command.session_id,
        )

    def cascade(self) -> list[e.Event]:
        """Trigger whom trades have reached, and whom those reach in turn."""
        events: list[e.Event] = []
        while self.moves:
            instrument_id = self.moves[0][0]
            due: list[tuple[NaiveOrder, int]] = []
            while True:
                here = [price for moved, price in self.moves if moved == instrument_id]
                self.moves = [move for move in self.moves if move[0] != instrument_id]
                for price in here:
                    known = [order.order_id for order, _ in due]
                    due += [(o, price) for o in self.reached(instrument_id, price, known)]
                is_trading = self.phases[instrument_id] is TradingPhase.TRADING
                if not due or self.interrupted or not is_trading:
                    break
                events += self.fire(*due.pop(0))
        return events

    def fire(self, order: NaiveOrder, price: int) -> list[e.Event]:
        triggered = e.OrderTriggered(
            order.order_id, order.account_id, order.instrument_id, order.trigger, price
        )
        self.open.remove(order)
        order.is_waiting = False
        order.limit = order.price
        if order.is_market:
            order.limit = self.market_limit(order.instrument_id, order.side)
            if order.side is Side.BUY:
                order.limit = min(order.limit, order.price)
        return [triggered, *self.admit(order)]

    def entry_refusals(self, command: c.EnterOrder) -> set[R]:
        is_market = command.order_type % 2 == 1
        reasons = self.terms_refusals(command, is_market) | self.wait_refusals(command)
        if not command.client_order_id:
            reasons.add(R.MALFORMED_CLIENT_ORDER_ID)
        if command.account_id == 0:
            reasons.add(R.UNKNOWN_ACCOUNT)
        never_rests = is_market or command.time_in_force in NEVER_REST
        if command.display_lots and never_rests:
            reasons.add(R.UNSUPPORTED_ORDER)
        if OrderFlags.POST_ONLY in command.flags and never_rests:
            reasons.add(R.UNSUPPORTED_ORDER)
        is_timed = command.time_in_force is TimeInForce.GOOD_TILL_DATE
        if command.expire_time_ns <= self.now_ns if is_timed else command.expire_time_ns != 0:
            reasons.add(R.EXPIRE_TIME_OUT_OF_RANGE)
        return reasons

    def display_refusals(self, order: NaiveOrder, lots: int) -> set[R]:
        least = max(self.limits[order.instrument_id].quantity_lots_min, 1)
        _, lot_step = self.increments[order.instrument_id]
        is_possible = least <= order.display <= lots <= 100 * order.display
        is_possible = is_possible and order.display % lot_step == 0
        return set() if is_possible else {R.DISPLAY_QUANTITY_OUT_OF_RANGE}

    def cost(self, order: NaiveOrder) -> int:
        """Return what an order holds as it comes in."""
        if order.order_type is OrderType.MARKET and order.side is Side.BUY:
            gives_way = order.self_trade_prevention is STP.EXPIRE_MAKER
            but_for = order.account_id if gives_way else None
            return self.market_cost(order.instrument_id, order.quantity, but_for)
        return self.worth(order.instrument_id, order.side, order.price, order.quantity)

    def never_rests(self, order: NaiveOrder) -> bool:
        return order.is_market or order.time_in_force in NEVER_REST

    def admit(self, order: NaiveOrder) -> list[e.Event]:
        """Let an order that holds its funds trade, and then rest or end."""
        if order.time_in_force is TimeInForce.FILL_OR_KILL and (
            self.fillable(order) < order.leaves or self.takes_too_many(order)
        ):
            return [self.canceled(order, CancelReason.FILL_OR_KILL, self.unspent(order))]
        events: list[e.Event] = []
        met_itself = self.match(order, events)
        if order.leaves == 0:
            self.close(order)
        elif met_itself:
            events.append(self.end(order, CancelReason.SELF_TRADE_PREVENTED))
        elif self.interrupted and self.never_rests(order):
            events.append(self.end(order, CancelReason.VOLATILITY_INTERRUPTION))
        elif order.is_market:
            other = Side.SELL if order.side is Side.BUY else Side.BUY
            is_empty = not self.queue(order.instrument_id, other)
            reason = CancelReason.MARKET_EXHAUSTED if is_empty else CancelReason.MARKET_COLLAR
            events.append(self.end(order, reason))
        elif order.time_in_force in NEVER_REST:
            events.append(self.end(order, CancelReason.IMMEDIATE_OR_CANCEL))
        elif self.passes_itself(order, events):
            events.append(self.end(order, CancelReason.SELF_TRADE_PREVENTED))
        else:
            events.append(self.rest(order))
        return events

    def replace(self, command: c.ReplaceOrder) -> list[e.Event]:
        reasons = self.terms_refusals(command, is_market=False)
        order = self.find(command)
        if order is None:
            reasons.add(R.UNKNOWN_ORDER)
        if order is not None and (order.is_waiting or order.order_list):
            reasons.add(R.NOT_REPLACEABLE)
        if reasons or order is None:
            return [e.CommandRejected(min(reasons, key=PRECEDENCE.__getitem__))]
        leaves = command.quantity_lots - (order.quantity - order.leaves)
        if leaves <= 0:
            reasons.add(R.QUANTITY_NOT_ABOVE_CUMULATIVE)
        if order.display and leaves > 100 * order.display:
            reasons.add(R.DISPLAY_QUANTITY_OUT_OF_RANGE)
        client_order_id = command.client_order_id or order.client_order_id
        is_renamed = client_order_id != order.client_order_id
        if is_renamed and self.taken(order.account_id, client_order_id):
            reasons.add(R.DUPLICATE_CLIENT_ORDER_ID)
        price, side = command.price_ticks, order.side
        holds = self.worth(order.instrument_id, side, price, max(leaves, 0))
        held = self.worth(order.instrument_id, side, order.price, order.leaves)
        asset = self.spent_asset(order.instrument_id, side)
        if holds > held + self.available(order.account_id, asset):
            reasons.add(R.INSUFFICIENT_FUNDS)
        if OrderFlags.POST_ONLY in order.flags and self.counterparties(
            order.instrument_id, side, price
        ):
            reasons.add(R.WOULD_TAKE_LIQUIDITY)
        if reasons:
            return [e.CommandRejected(min(reasons, key=PRECEDENCE.__getitem__))]

        keeps = price == order.price and leaves <= order.leaves
        replaced = e.OrderReplaced(
            order.order_id,
            order.account_id,
            order.instrument_id,
            side,
            keeps,
            order.price,
            order.leaves,
            price,
            command.quantity_lots,
            leaves,
            holds,
            order.hidden,
            max(order.hidden - (order.leaves - leaves), 0) if keeps else 0,
        )
        if is_renamed:
            self.close(order)  # its former name, that is
            order.client_order_id = client_order_id
        order.shown = min(order.shown, leaves)
        order.quantity, order.leaves, order.price = command.quantity_lots, leaves, price
        order.limit = price
        if keeps:
            return [replaced]
        self.open.remove(order)
        return [replaced, *self.admit(order)]

    def cancel(self, command: c.CancelOrder) -> list[e.Event]:
        if command.instrument_id not in self.instruments:
            return [e.CommandRejected(R.UNKNOWN_INSTRUMENT)]
        order = self.find(command)
        if order is None:
            return [e.CommandRejected(R.UNKNOWN_ORDER)]
        return [self.cancel_resting(order, CancelReason.REQUESTED)]

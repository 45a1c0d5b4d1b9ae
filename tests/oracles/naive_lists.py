"""Lists of orders, in the plainest form: the naive venue with them."""

from dataclasses import dataclass

import msgspec

from tests.oracles.naive_state import NaiveOrder
from tests.oracles.naive_triggers import NOT_OF_TERMS, PLAIN
from tests.oracles.naive_venue import NOT_TO_DISPLAY, NaiveVenue
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.rejects import PRECEDENCE
from vocabulary.rejects import RejectReason as R
from vocabulary.types import (
    CancelReason,
    Contingency,
    OrderFlags,
    OrderType,
)

OTHER = CancelReason.OTHER_ORDER_OF_LIST
OF_THE_WHOLE = (
    CancelReason.REQUESTED,
    CancelReason.MASS_CANCELED,
    CancelReason.EXPIRED,
    CancelReason.DELISTED,
    CancelReason.ACCOUNT_SUSPENDED,
)
GONE = e.Event()  # stands for the end of an order that had ended with the other of its list


@dataclass(eq=False)
class NaiveList:
    first: NaiveOrder
    second: NaiveOrder
    cancels: bool
    third: NaiveOrder | None = None

    def __post_init__(self) -> None:
        for order in self.orders:
            order.order_list = self

    @property
    def orders(self) -> list[NaiveOrder]:
        return [order for order in (self.first, self.second, self.third) if order is not None]

    def others(self, order: NaiveOrder) -> list[NaiveOrder]:
        """Let the orders be orders like others; return the other ones."""
        for each in self.orders:
            each.order_list = None
        return [each for each in self.orders if each is not order]


class NaiveListVenue(NaiveVenue):
    def __init__(self) -> None:
        super().__init__()
        self.turns: list[list[NaiveOrder]] = []
        self.behind: list[tuple[e.Event, e.Event]] = []  # an event, and one that it led to

    def apply(self, command: c.Command, sequence: int, now_ns: int = 0) -> list[e.Event]:
        self.now_ns = now_ns
        self.interrupted = self.matches = 0
        self.moves.clear()
        self.behind.clear()
        events = self.execute(command, sequence)
        events += self.cascade()
        while self.turns:
            events += self.interruption()
            events += self.come_in(self.turns.pop(0))
            events += self.cascade()
        events += self.interruption()
        told = [each for event in events for each in self.with_consequences(event)]
        return [*told, *self.indications()]

    def with_consequences(self, event: e.Event) -> list[e.Event]:
        led_to = [behind for before, behind in self.behind if before is event]
        events = [each for behind in led_to for each in self.with_consequences(behind)]
        return events if event is GONE else [event, *events]

    def execute(self, command: c.Command, sequence: int) -> list[e.Event]:
        if isinstance(command, c.EnterOrderList):
            return self.enter_list(command, sequence)
        return super().execute(command, sequence)

    # --- What happens to one order because of the other.

    def held(self, account_id: int, asset_id: int) -> int:
        """Return what the open orders could spend: of two that cancel each other the larger."""
        units = super().held(account_id, asset_id)
        for order in self.open:
            spent = self.spent_asset(order.instrument_id, order.side)
            if (order.account_id, spent) != (account_id, asset_id) or order.order_list is None:
                continue
            if order is not order.order_list.first:
                units -= self.worth_of(order)
                if order.order_list.cancels:
                    units += self.beyond(order.order_list)
        return units

    def worth_of(self, order: NaiveOrder) -> int:
        return self.worth(order.instrument_id, order.side, order.price, order.quantity)

    def beyond(self, order_list: NaiveList) -> int:
        """Return what the second order could spend beyond what the first one could."""
        return max(self.worth_of(order_list.second) - self.worth_of(order_list.first), 0)

    def touched(self, order: NaiveOrder, event: e.Event) -> None:
        order_list = order.order_list
        if order_list is None:
            return
        if not order_list.cancels:
            if order.leaves == 0:
                self.turns.append(order_list.others(order))
        elif order_list.first.leaves != order_list.second.leaves:
            # The second one waits, so it is the first, and was as large as the second.
            lots = order_list.second.quantity
            worth = self.worth(order.instrument_id, order.side, order.price, lots)
            units = max(self.worth_of(order_list.second) - worth, 0)
            [other] = order_list.others(order)
            self.end_other(other, event, OTHER, units)

    def end_other(
        self, order: NaiveOrder, event: e.Event, reason: CancelReason, units: int
    ) -> None:
        self.open.remove(order)
        was_resting = not order.is_waiting
        ended = super().canceled(order, reason, units, was_resting=was_resting)
        self.behind.append((event, ended))

    def cancel_resting(self, order: NaiveOrder, reason: CancelReason) -> e.Event:
        return super().cancel_resting(order, reason) if order in self.open else GONE

    def canceled(
        self, order: NaiveOrder, reason: CancelReason, released: int, *, was_resting: bool = False
    ) -> e.Event:
        order_list = order.order_list
        if order_list is None:
            return super().canceled(order, reason, released, was_resting=was_resting)
        of_second = self.beyond(order_list) if order_list.cancels else 0
        first = order_list.first
        of_first = self.worth(first.instrument_id, first.side, first.price, first.leaves)
        units = of_second if order is order_list.second else released
        event = super().canceled(order, reason, units, was_resting=was_resting)
        passed_on = reason if reason in OF_THE_WHOLE else OTHER
        for other in order_list.others(order):
            units = of_first if other is order_list.first else of_second
            self.end_other(other, event, passed_on, units)
        return event

    def fire(self, order: NaiveOrder, price: int) -> list[e.Event]:
        if order not in self.open:
            return []
        order_list = order.order_list
        if order_list is None:
            return super().fire(order, price)
        units = self.beyond(order_list)
        if order is order_list.second:
            first, second = self.worth_of(order_list.first), self.worth_of(order)
            units = first - min(first, second)
        [other] = order_list.others(order)
        self.end_other(other, GONE, OTHER, units)
        _, ended = self.behind.pop()
        triggered, *events = super().fire(order, price)
        return [triggered, ended, *events]

    # --- How they come in.

    def order_refusals(self, command: c.EnterOrder, order: NaiveOrder, has_turn: bool) -> set[R]:
        """Return why one order of a list is refused for its terms."""
        reasons = self.entry_refusals(command)
        if order.display and not reasons & NOT_TO_DISPLAY:
            reasons |= self.display_refusals(order, order.quantity)
        if not has_turn and order.order_type not in PLAIN and not reasons - NOT_OF_TERMS:
            reasons |= self.now_refusals(order)
        return reasons

    def lacks(self, order: NaiveOrder, units: int) -> set[R]:
        """Return what an order lacks that is to hold so much, or whose price must not cross."""
        asset = self.spent_asset(order.instrument_id, order.side)
        reasons = set()
        is_known = order.account_id in self.heard_of
        if not is_known or units > self.available(order.account_id, asset):
            reasons.add(R.INSUFFICIENT_FUNDS)
        crossed = self.counterparties(order.instrument_id, order.side, order.price)
        if OrderFlags.POST_ONLY in order.flags and crossed:
            reasons.add(R.WOULD_TAKE_LIQUIDITY)
        return reasons

    def enter_list(self, command: c.EnterOrderList, sequence: int) -> list[e.Event]:
        account, instrument_id = command.account_id, command.instrument_id
        content = msgspec.structs.astuple(command)[2:]
        known = [self.taken(account, each.client_order_id) for each in command.orders]
        repeated = [name.order_id for name in known if name and name.content == content]
        if len(repeated) == len(known):
            return [e.OrderRepeated(order_id, account, instrument_id) for order_id in repeated]
        cancels = command.contingency is Contingency.ONE_CANCELS_OTHER
        ids = (sequence, sequence + 2**52, sequence + 2**52 + 2**51)
        first, second, *thirds = orders = [
            self.new_order(each, order_id, content)
            for each, order_id in zip(command.orders, ids, strict=False)
        ]
        reasons = self.order_refusals(command.orders[0], first, False)
        for order, each in zip(orders[1:], command.orders[1:], strict=True):
            reasons |= self.order_refusals(each, order, not cancels)
        if not makes_a_list(command):
            reasons.add(R.UNSUPPORTED_ORDER)
        if any(known) or len({order.client_order_id for order in orders}) < len(orders):
            reasons.add(R.DUPLICATE_CLIENT_ORDER_ID)
        mine = [order for order in self.open if order.account_id == account]
        here = [order for order in mine if order.instrument_id == instrument_id]
        if instrument_id in self.limits:
            most = self.limits[instrument_id].open_orders_max
            if most and len(here) + len(orders) > most:
                reasons.add(R.TOO_MANY_OPEN_ORDERS)
        if not reasons:
            worths = (self.worth_of(first), self.worth_of(second) if cancels else 0)
            reasons = self.lacks(first, max(worths))
        if reasons:
            return [e.CommandRejected(min(reasons, key=PRECEDENCE.__getitem__))]

        order_list = NaiveList(first, second, cancels, *thirds)
        first.limit = first.price
        for order, each in zip(orders[1:], command.orders[1:], strict=True):
            order.turn = None if cancels else each
            order.is_waiting = True
            self.open.append(order)
        beyond = self.beyond(order_list) if cancels else 0
        told = [order.order_id for order in orders]
        events: list[e.Event] = [
            e.OrderListAccepted(sequence, account, instrument_id, command.contingency, *told),
            *(e.OrderAccepted(each, account, instrument_id, beyond) for each in told[1:]),
            e.OrderAccepted(first.order_id, account, instrument_id, self.worth_of(first)),
        ]
        if first.is_waiting:
            self.open.append(first)
            return events
        return events + self.admit(first)

    def come_in(self, orders: list[NaiveOrder]) -> list[e.Event]:
        """Let orders in whose turn it is, if they would be taken as things are."""
        order, *others = orders
        reasons: set[R] = set()
        for each in orders:
            command, each.turn = each.turn, None
            assert command is not None
            self.open.remove(each)
            each.is_waiting = each.order_type not in PLAIN
            reasons |= self.order_refusals(command, each, False)
        if not reasons:
            order.limit = order.price
            if order.order_type is OrderType.MARKET:
                order.limit = self.market_limit(order.instrument_id, order.side)
            order.budget = self.cost(order)
            worths = [order.budget, *(self.worth_of(other) for other in others)]
            reasons = self.lacks(order, max(worths))
        if reasons:
            return [self.canceled(each, CancelReason.NOT_ACTIVATED, 0) for each in orders]
        events: list[e.Event] = []
        for other in others:
            beyond = self.beyond(NaiveList(order, other, cancels=True))
            events.append(self.came(other, beyond))
        events.append(self.came(order, order.budget))
        return events if order in self.open else [*events, *self.admit(order)]

    def came(self, order: NaiveOrder, units: int) -> e.Event:
        if order.is_waiting:
            self.open.append(order)
        return e.OrderActivated(order.order_id, order.account_id, order.instrument_id, units)


def makes_a_list(command: c.EnterOrderList) -> bool:
    first, *others = command.orders
    if command.contingency is Contingency.ONE_TRIGGERS_OTHER:
        is_limit = first.order_type is OrderType.LIMIT
        return is_limit and (len(others) == 1 or cancels_one_another(*others))
    return len(others) == 1 and cancels_one_another(first, *others)


def cancels_one_another(first: c.EnterOrder, second: c.EnterOrder) -> bool:
    gains = first.order_type in (OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)
    makes = first.order_type is OrderType.LIMIT and OrderFlags.POST_ONLY in first.flags
    protects = second.order_type in (OrderType.STOP, OrderType.STOP_LIMIT)
    alike = first.side is second.side and first.quantity_lots == second.quantity_lots
    return (gains or makes) and protects and alike

"""Who listens to an account's events, and what there is to tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from gateway.json_api.list_replies import list_status
from gateway.json_api.user_events import EXECUTION_TYPES, encode, execution_report
from gateway.orders import OrderList, Report
from vocabulary.codec import Record
from vocabulary.commands import EnterOrderList
from vocabulary.events import FundsCredited

Listener = Callable[[bytes], None]


class UserStreams:
    """Listeners by account.

    `touched` collects the assets, by id, of which accounts with a listener may have more or less.
    """

    def __init__(self) -> None:
        self.touched: defaultdict[int, set[int]] = defaultdict(set)
        self._listeners: dict[int, list[Listener]] = {}

    @property
    def listener_count(self) -> int:
        return sum(map(len, self._listeners.values()))

    @property
    def has_listeners(self) -> bool:
        return bool(self._listeners)

    def subscribe(self, account_id: int, listener: Listener) -> None:
        self._listeners.setdefault(account_id, []).append(listener)

    def unsubscribe(self, account_id: int, listener: Listener) -> None:
        listeners = self._listeners[account_id]
        listeners.remove(listener)
        if not listeners:
            del self._listeners[account_id]

    def publish(self, account_id: int, event: bytes) -> None:
        for listener in self._listeners.get(account_id, ()):
            listener(event)

    def on_record(self, record: Record, reports: list[Report]) -> None:
        """Tell the owners of a record's orders."""
        told: dict[int, OrderList] = {}
        for report in reports:
            order = report.order
            if order is None or order.account_id not in self._listeners:
                continue
            if report.kind in EXECUTION_TYPES:
                self.publish(order.account_id, encode(execution_report(report, order)))
                if order.order_list is not None:
                    told[order.order_list.list_id] = order.order_list
                base, quote = order.instrument.base, order.instrument.quote
                self.touched[order.account_id] |= {base.asset_id, quote.asset_id}
        is_entry = isinstance(record.command, EnterOrderList)
        for order_list in told.values():
            if is_entry or order_list.is_done:
                account_id = order_list.orders[0].account_id
                self.publish(account_id, encode(list_status(order_list, record.timestamp_ns)))
        for event in record.events:
            if isinstance(event, FundsCredited) and event.account_id in self._listeners:
                self.touched[event.account_id].add(event.asset_id)

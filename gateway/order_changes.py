"""How an order changes, and what is reported about it, whoever read what happened."""

from __future__ import annotations

from gateway import packed_events
from gateway.order_table import OrderTable
from gateway.orders import Fill, Order, OrderList, OrderStatus, Report, ReportKind
from vocabulary import commands as c
from vocabulary import packed
from vocabulary.catalogue import Catalogue
from vocabulary.codec import Record
from vocabulary.instrument import Units
from vocabulary.types import (
    CancelReason,
    Contingency,
    OrderType,
    SelfTradePrevention,
    place_in_list,
)

CANCELED = (
    CancelReason.REQUESTED,
    CancelReason.MASS_CANCELED,
    CancelReason.ACCOUNT_SUSPENDED,
)
"""Somebody ended the order; for any other reason it ended by its own terms or its market's."""

# What most records are about: an enumeration takes its time to look up a member.
_ACCEPTED, _TRADE = ReportKind.ACCEPTED, ReportKind.TRADE
_ORDER_CANCELED, _ORDER_REPLACED = ReportKind.CANCELED, ReportKind.REPLACED
_PARTIALLY_FILLED, _FILLED = OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED
_CANCELED, _PREVENTED = OrderStatus.CANCELED, CancelReason.SELF_TRADE_PREVENTED
_LIMIT, _MARKET = OrderType.LIMIT, OrderType.MARKET
_NO_PREVENTION = SelfTradePrevention.NONE
_ACCOUNT_DEFAULT = SelfTradePrevention.ACCOUNT_DEFAULT


class OrderChanges(OrderTable):
    """The steps of a record that is being taken in; each adds its reports."""

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__()
        self.catalogue = catalogue
        self._instruments = catalogue.instruments
        self._reference_ticks = catalogue.reference_ticks
        self._preventions: dict[int, SelfTradePrevention] = {}  # by account, where it has set one
        self._units: dict[int, Units] = {}  # by instrument
        self._reports: list[Report] = []
        # What the record's command entered or replaced: an order, or a list.
        self._requested_id = 0
        self._order_list: OrderList | None = None
        self._record: Record

    def _accept(self, order: Order, order_id: int) -> None:
        order.order_id = order_id
        order.leaves_lots = order.quantity_lots
        order.is_waiting = order.order_type is not _LIMIT and order.order_type is not _MARKET
        order.entered_ns = order.updated_ns = self._record.timestamp_ns
        if order.self_trade_prevention is _ACCOUNT_DEFAULT:
            order.self_trade_prevention = self._preventions.get(order.account_id, _NO_PREVENTION)
        if self._order_list is not None:
            self._join(self._order_list, order)
        self._open(order)
        self._requested_id = order_id
        self._report(_ACCEPTED, order)

    def _join(self, order_list: OrderList, order: Order) -> None:
        order.order_list = order_list
        order_list.orders.append(order)
        order_list.orders.sort(key=_order_id)
        triggers = order_list.contingency is Contingency.ONE_TRIGGERS_OTHER
        if triggers and place_in_list(order.order_id) > 0:
            order.status = OrderStatus.PENDING_NEW
            order.is_waiting = True

    def _replace(
        self,
        order: Order,
        client_order_id: bytes,
        price_ticks: int,
        quantity_lots: int,
        leaves_lots: int,
    ) -> None:
        self._requested_id = order.order_id
        original_client_order_id = order.client_order_id
        if client_order_id:
            account = self._account(order.account_id)
            account.forget_client_order_id(order)
            account.by_client_order_id[client_order_id] = order
            order.client_order_id = client_order_id
        order.price_ticks = price_ticks
        order.quantity_lots = quantity_lots - order.undone_lots
        order.decreased_lots = 0
        order.leaves_lots = leaves_lots
        order.updated_ns = self._record.timestamp_ns
        report = self._report(_ORDER_REPLACED, order)
        report.original_client_order_id = original_client_order_id

    def _trade(
        self,
        instrument_id: int,
        trade_id: int,
        price_ticks: int,
        quantity_lots: int,
        quote_units: int,
        resting_order_id: int,
        resting_leaves_lots: int,
        resting_fee_units: int,
        incoming_order_id: int,
        incoming_leaves_lots: int,
        incoming_fee_units: int,
    ) -> None:
        self._reference_ticks[instrument_id] = price_ticks
        fill = self._fill(resting_order_id, resting_leaves_lots, quantity_lots, quote_units)
        fill.trade_id = trade_id
        fill.price_ticks = price_ticks
        fill.fee_units = resting_fee_units
        fill.is_maker = True
        fill = self._fill(incoming_order_id, incoming_leaves_lots, quantity_lots, quote_units)
        fill.trade_id = trade_id
        fill.price_ticks = price_ticks
        fill.fee_units = incoming_fee_units

    def _fill(self, order_id: int, leaves_lots: int, quantity_lots: int, quote_units: int) -> Fill:
        """Report that so much of an order has traded; return the fill, to be filled in."""
        order, record = self._orders[order_id], self._record
        order.cumulative_lots += quantity_lots
        order.leaves_lots = leaves_lots
        order.quote_units += quote_units
        order.updated_ns = record.timestamp_ns
        fill = Fill(order.instrument)
        fill.order_id = order_id
        fill.account_id = order.account_id
        fill.side = order.side
        fill.quantity_lots = quantity_lots
        fill.quote_units = quote_units
        fill.timestamp_ns = record.timestamp_ns
        fill.client_order_id = order.client_order_id
        fill.sequence = record.sequence
        self._account(order.account_id).fills.append(fill)
        if leaves_lots:
            order.status = _PARTIALLY_FILLED
        else:
            self._close(order, _FILLED)
        report = self._report(_TRADE, order)
        report.is_requester = self._is_requested(order)
        report.fill = fill
        return fill

    def _cancel(self, order: Order, reason: CancelReason) -> None:
        order.updated_ns = self._record.timestamp_ns
        order.leaves_lots = 0
        if reason is _PREVENTED:
            assert order.prevented is not None
            order.prevented_lots += order.prevented.quantity_lots
            self._close(order, OrderStatus.EXPIRED_IN_MATCH)
            report = self._report(ReportKind.EXPIRED, order)
            report.is_requester = self._is_requested(order)
            report.prevented = order.prevented
        elif reason not in CANCELED:
            self._close(order, OrderStatus.EXPIRED)
            report = self._report(ReportKind.EXPIRED, order)
            report.is_requester = self._is_requested(order)
        else:
            name = self._name_of_cancel(order)
            self._close(order, _CANCELED)
            report = self._report(_ORDER_CANCELED, order)
            if name is None:
                report.is_requester = False
            elif name:
                report.client_order_id = name
                report.original_client_order_id = order.client_order_id
        report.reason = reason

    def _name_of_cancel(self, order: Order) -> bytes | None:
        """Return what the record's command, if it asks for an order's end, is named; or None.

        Whom its sender did not name ended with the other order of its list.
        """
        record = self._record
        if record.data and record.command_kind == packed_events.CANCEL_ORDER:
            words, at = packed.words_of(record.data), record.command_at
            if packed_events.cancels(record.data, words, at, order):
                return packed_events.name_at(record.data, words, at + packed_events.CANCEL_NAMES)
            return None
        command = record.command
        if isinstance(command, c.CancelAllOrders) or (
            isinstance(command, c.CancelOrder) and _names(command, order)
        ):
            return command.client_order_id
        return None

    def _is_requested(self, order: Order) -> bool:
        """Say whether an order is what the record's command is about, not one that it set off."""
        if self._order_list is not None:
            return order.order_list is self._order_list
        return order.order_id == self._requested_id

    def _units_of(self, instrument_id: int) -> Units:
        units = self._units.get(instrument_id)
        if units is None:
            units = self._units[instrument_id] = Units(self._instruments[instrument_id])
        return units

    def _report(self, kind: ReportKind, order: Order | None) -> Report:
        """Add a report, under the order's own name and to the requester, and return it."""
        report = Report(self._record)
        report.kind = kind
        report.report_index = len(self._reports)
        if order is not None:
            report.order = order
            report.status = order.status
            report.cumulative_lots = order.cumulative_lots
            report.leaves_lots = order.leaves_lots
            report.quote_units = order.quote_units
            report.client_order_id = order.client_order_id
        self._reports.append(report)
        return report


def _order_id(order: Order) -> int:
    return order.order_id


def _names(command: c.CancelOrder, order: Order) -> bool:
    if command.order_id:
        return command.order_id == order.order_id
    return command.original_client_order_id == order.client_order_id

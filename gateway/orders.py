"""Orders as their owners see them, and what is reported about them.

`gateway.order_tracker` makes them from the matching process's records.
"""

from __future__ import annotations

from copy import copy
from enum import IntEnum, auto
from typing import NamedTuple

from vocabulary import commands as c
from vocabulary.codec import Record
from vocabulary.instrument import Asset, Instrument, Units
from vocabulary.rejects import RejectReason
from vocabulary.types import (
    CancelReason,
    Contingency,
    OrderFlags,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

# An enumeration takes its time to look up a member.
_BUY, _LIMIT, _GOOD_TILL_CANCEL = Side.BUY, OrderType.LIMIT, TimeInForce.GOOD_TILL_CANCEL
_NO_FLAGS, _ACCOUNT_DEFAULT = OrderFlags.NONE, SelfTradePrevention.ACCOUNT_DEFAULT
_IMMEDIATE_OR_CANCEL, _FILL_OR_KILL = TimeInForce.IMMEDIATE_OR_CANCEL, TimeInForce.FILL_OR_KILL


class OrderStatus(IntEnum):
    """OrdStatus(39), in our words."""

    NEW = auto()
    PARTIALLY_FILLED = auto()
    FILLED = auto()
    CANCELED = auto()
    EXPIRED = auto()
    REJECTED = auto()
    EXPIRED_IN_MATCH = auto()
    """It met an order of its own account; FIX 4.4 knows it as Expired only."""
    PENDING_NEW = auto()
    """It comes in once the order before it in its list is filled."""

    @property
    def is_open(self) -> bool:
        return self in _OPEN


_OPEN = frozenset({OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED, OrderStatus.PENDING_NEW})


_NEW = OrderStatus.NEW
_PARTIALLY_FILLED = OrderStatus.PARTIALLY_FILLED
_ORDER_REJECTED = OrderStatus.REJECTED


class ReportKind(IntEnum):
    """Why a report is made: ExecType(150), and the two kinds of OrderCancelReject(9)."""

    ACCEPTED = auto()
    REJECTED = auto()
    TRADE = auto()
    CANCELED = auto()
    EXPIRED = auto()
    REPLACED = auto()
    DECREMENTED = auto()
    """Its quantity fell as it met an order of its own account."""
    TRIGGERED = auto()
    """Its wait is over."""
    REPEATED = auto()
    """A new order was sent again under its client order id: this is how it stands."""
    CANCEL_REJECTED = auto()
    REPLACE_REJECTED = auto()
    TRADE_BUSTED = auto()
    """The desk undid one of its trades."""
    TRADE_CORRECTED = auto()
    """The desk let one of its trades have been another one."""


_REJECTED, _TRADE, _CANCELED = ReportKind.REJECTED, ReportKind.TRADE, ReportKind.CANCELED


class PreventedMatch(NamedTuple):
    """One side of two orders of an account that did not trade with each other."""

    prevented_match_id: int
    price_ticks: int
    quantity_lots: int
    counter_order_id: int


class Order:
    """One order. Changed by `Orders` alone; times are UTC nanoseconds, money is in quote units.

    It begins blank, like a report.
    """

    def __init__(self, instrument: Instrument, units: Units) -> None:
        self.order_id = 0
        self.order_list: OrderList | None = None
        self.account_id = 0
        self.session_id = 0
        self.instrument = instrument
        self.units = units
        self.side = _BUY
        self.order_type = _LIMIT
        self.time_in_force = _GOOD_TILL_CANCEL
        self.expire_time_ns = 0
        self.flags = _NO_FLAGS
        self.price_ticks = 0
        self.trigger_price_ticks = 0
        self.trailing_bps = 0
        self.is_waiting = False
        self.quantity_lots = self.leaves_lots = 0
        self.display_lots = 0  # an iceberg's, or 0
        self.quote_amount_units = 0  # what was ordered instead, or 0
        self.self_trade_prevention = _ACCOUNT_DEFAULT
        self.prevented_lots = 0
        self.decreased_lots = 0  # of those, what the order went on without
        self.prevented: PreventedMatch | None = None  # the last one
        self.undone_lots = 0  # what busts took from `quantity_lots`; the engine counts it as filled
        self.cumulative_lots = 0
        self.quote_units = 0
        self.client_order_id = b""
        self.status = _NEW
        self.entered_ns = self.updated_ns = 0

    def has_limit(self) -> bool:
        order_type: int = self.order_type
        return order_type % 2 == 0

    def is_working(self) -> bool:
        """Say whether it rests in the book once its record is done."""
        return (
            (self.status is _NEW or self.status is _PARTIALLY_FILLED)
            and self.has_limit()
            and not self.is_waiting
            and self.time_in_force is not _IMMEDIATE_OR_CANCEL
            and self.time_in_force is not _FILL_OR_KILL
        )


def order_of(command: c.EnterOrder, instrument: Instrument, units: Units) -> Order:
    """Return an order of what a command asks for, otherwise blank."""
    order = Order(instrument, units)
    order.account_id = command.account_id
    order.session_id = command.session_id
    order.side = command.side
    order.order_type = command.order_type
    order.time_in_force = command.time_in_force
    order.flags = command.flags
    order.price_ticks = command.price_ticks
    order.quantity_lots = command.quantity_lots
    order.client_order_id = command.client_order_id
    order.expire_time_ns = command.expire_time_ns
    order.self_trade_prevention = command.self_trade_prevention
    order.trigger_price_ticks = command.trigger_price_ticks
    order.trailing_bps = command.trailing_bps
    order.quote_amount_units = command.quote_units
    order.display_lots = command.display_lots
    return order


class OrderList:
    """Orders that depend on each other."""

    __slots__ = ("client_list_id", "contingency", "list_id", "orders")

    def __init__(self, list_id: int, contingency: Contingency, client_list_id: bytes) -> None:
        self.list_id = list_id
        self.contingency = contingency
        self.client_list_id = client_list_id
        self.orders: list[Order] = []

    @property
    def is_done(self) -> bool:
        return not any(order.status.is_open for order in self.orders)


class Fill:
    """One side of a trade. The fee is in the smallest units of `fee_asset`, the one received.

    Below zero it is a rebate, in the asset given. A trade that the desk corrected is as it is now,
    one that it busted as it was. `sequence` is the trade's own record's; 0 where it was amended
    before that was noted. Never changed once it is filled in.
    """

    def __init__(self, instrument: Instrument) -> None:
        self.trade_id = 0
        self.instrument = instrument
        self.order_id = 0
        self.account_id = 0
        self.side = _BUY
        self.price_ticks = 0
        self.quantity_lots = 0
        self.quote_units = 0
        self.fee_units = 0
        self.is_maker = False
        self.timestamp_ns = 0
        self.client_order_id = b""
        self.sequence = 0
        self.amendments = 0
        self.is_busted = False

    @property
    def fee_asset(self) -> Asset:
        return self.instrument.base if self.is_fee_in_base() else self.instrument.quote

    def is_fee_in_base(self) -> bool:
        # A rebate is in the asset that its side gave.
        return (self.side is _BUY) == (self.fee_units >= 0)


class Report:
    """What one record did to one order.

    `status`, lots and quote units are those after this report. `is_requester`: it answers the
    record's command, so it also belongs to the session that sent that; every report about an order
    belongs to the order's own session. `client_order_id` is the one this report is about,
    `original_client_order_id` the one that it took the place of (empty where there is none).
    `report_index` counts a record's reports from 0.

    It begins blank, as one of an order that never was, and is filled in by who makes it: a class
    that is called with arguments makes Python objects of them all.
    """

    def __init__(self, record: Record) -> None:
        self.kind = _REJECTED
        self.record = record
        self.report_index = 0
        self.order: Order | None = None
        self.reason: RejectReason | CancelReason | None = None
        self.status = _ORDER_REJECTED
        self.cumulative_lots = 0
        self.leaves_lots = 0
        self.quote_units = 0
        self.fill: Fill | None = None
        self.is_requester = True
        self.client_order_id = b""
        self.original_client_order_id = b""
        self.prevented: PreventedMatch | None = None

    @property
    def command(self) -> c.Command:
        return self.record.command

    @property
    def sequence(self) -> int:
        return self.record.sequence

    @property
    def timestamp_ns(self) -> int:
        return self.record.timestamp_ns

    @property
    def exec_id(self) -> str:
        """Return ExecID(17): one per report, the same whenever the record is read again."""
        if self.kind is _TRADE:
            return trade_exec_id(self.fill)
        return f"{self.sequence}-{self.report_index}"

    @property
    def exec_ref_id(self) -> str:
        """Return ExecID(17) of the trade that a bust or a correction is about, "" if unknown."""
        if self.fill is None or not self.fill.amendments or not self.fill.sequence:
            return ""
        return trade_exec_id(self.fill)

    def unsolicited(self) -> Report:
        """Return this report for the order's own session, where another one asked for it."""
        if self.kind is not _CANCELED or not self.original_client_order_id:
            return self
        report = copy(self)
        report.client_order_id = self.original_client_order_id
        report.original_client_order_id = b""
        return report


def trade_exec_id(fill: Fill | None) -> str:
    """Return ExecID(17) of a side of a trade: who knows the trade and its record knows it, too."""
    assert fill is not None
    sequence, instrument_id, trade_id = fill.sequence, fill.instrument.instrument_id, fill.trade_id
    side = "1" if fill.side is _BUY else "2"  # an enumeration takes its time to say its value
    return f"{sequence}-{instrument_id}-{trade_id}-{side}"

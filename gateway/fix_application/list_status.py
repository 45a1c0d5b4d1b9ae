"""ListStatus(N): what has become of a list of orders, with the fields of Binance's FIX API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gateway.fix import tags, values
from gateway.fix.codec import FixMessage
from gateway.fix.timestamps import format_utc_timestamp
from gateway.orders import OrderList, Report, ReportKind
from vocabulary.codec import Record
from vocabulary.commands import EnterOrderList
from vocabulary.types import Contingency, OrderType

LIST_STATUS = b"N"

_T = values.ListStatusType
_S = values.ListOrderStatus
_WHEN = values.ListTriggerType
_ACTION = values.ListTriggerAction
_UNCHANGED = frozenset({
    ReportKind.REPEATED,
    ReportKind.CANCEL_REJECTED,
    ReportKind.REPLACE_REJECTED,
})  # fmt: skip


class Instruction(NamedTuple):
    """What happens to an order once something has happened to another, which is counted from 0."""

    when: bytes
    other: int = -1
    action: bytes = b""


def instructions(
    contingency: Contingency, order_types: Sequence[OrderType]
) -> list[list[Instruction]]:
    """Return each order's instructions, given the orders' types in their order."""
    if contingency is Contingency.ONE_CANCELS_OTHER:
        return _cancels(order_types, 0)
    release = Instruction(_WHEN.FILLED, 0, _ACTION.RELEASE)
    return [[], *([release, *others] for others in _cancels(order_types, 1))]


def changed(record: Record, reports: list[Report]) -> list[OrderList]:
    """Return the lists that a record has entered or ended, or that were sent again."""
    is_entry = isinstance(record.command, EnterOrderList)
    told: dict[int, OrderList] = {}
    for report in reports:
        order_list = report.order.order_list if report.order is not None else None
        if order_list is not None and (is_entry or report.kind not in _UNCHANGED):
            told[order_list.list_id] = order_list
    return [each for each in told.values() if is_entry or each.is_done]


def news(order_list: OrderList, timestamp_ns: int) -> bytes:
    """Return the N that says that a list was entered, or is done."""
    kind = _T.ALL_DONE if order_list.is_done else _T.EXEC_STARTED
    return _status(order_list, kind, timestamp_ns, b"")


def answer(order_list: OrderList, now_ns: int, text: str = "") -> bytes:
    """Return the N that says how a list stands to who has asked."""
    return _status(order_list, _T.RESPONSE, now_ns, _text(text) if text else b"")


def unknown(request: FixMessage, now_ns: int) -> bytes:
    """Return the N for a request about a list that nobody knows."""
    names = ((tag, request.get(tag)) for tag in (tags.ListID, tags.ClListID, tags.OrigClListID))
    named = b"".join([b"%d=%b\x01" % (tag, name) for tag, name in names if name is not None])
    return named + _rejection(values.OrdRejReason.UNKNOWN_ORDER, "no such list", now_ns)


def refused(request: FixMessage, ord_rej_reason: bytes, text: str, now_ns: int) -> bytes:
    """Return the N for an E that did not become a command."""
    name = request.get(tags.ClListID) or b""
    kind = request.get(tags.ContingencyType) or b""
    return b"25014=%b\x011385=%b\x01%b" % (name, kind, _rejection(ord_rej_reason, text, now_ns))


def rejected(report: Report, ord_rej_reason: bytes, text: str) -> bytes:
    """Return the N for a list that the engine refused."""
    command = report.command
    assert isinstance(command, EnterOrderList)
    rejection = _rejection(ord_rej_reason, text, report.timestamp_ns)
    return b"25014=%b\x011385=%d\x01%b" % (command.client_list_id, command.contingency, rejection)


def _cancels(order_types: Sequence[OrderType], start: int) -> list[list[Instruction]]:
    """Return what cancels each of the orders from `start` on: what becomes of another of them."""
    when = [
        _WHEN.ACTIVATED if order_type > OrderType.LIMIT else _WHEN.PARTIALLY_FILLED
        for order_type in order_types
    ]
    each = range(start, len(order_types))
    return [
        [Instruction(when[other], other, _ACTION.CANCEL) for other in each if other != index]
        for index in each
    ]


def _status(order_list: OrderList, kind: bytes, timestamp_ns: int, text: bytes) -> bytes:
    orders = order_list.orders
    symbol = orders[0].instrument.symbol.encode()
    told = instructions(order_list.contingency, [order.order_type for order in orders])
    entries = [
        b"55=%b\x0137=%d\x0111=%b\x01%b"
        % (symbol, order.order_id, order.client_order_id, _instructions(own))
        for order, own in zip(orders, told, strict=True)
    ]
    return b"".join([
        b"55=%b\x0166=%d\x01" % (symbol, order_list.list_id),
        b"25014=%b\x011385=%d\x01" % (order_list.client_list_id, order_list.contingency),
        b"429=%b\x01431=%b\x01" % (kind, _S.ALL_DONE if order_list.is_done else _S.EXECUTING),
        b"60=%b\x01%b" % (format_utc_timestamp(timestamp_ns), text),
        b"73=%d\x01" % len(orders),
        *entries,
    ])  # fmt: skip


def _instructions(own: list[Instruction]) -> bytes:
    if not own:
        return b""
    return b"25010=%d\x01" % len(own) + b"".join([
        b"25011=%b\x0125012=%d\x0125013=%b\x01" % instruction for instruction in own
    ])  # fmt: skip


def _rejection(ord_rej_reason: bytes, text: str, timestamp_ns: int) -> bytes:
    return b"429=%b\x01431=%b\x011386=99\x01103=%b\x0160=%b\x01%b" % (
        _T.RESPONSE,
        _S.REJECT,
        ord_rej_reason,
        format_utc_timestamp(timestamp_ns),
        _text(text),
    )


def _text(text: str) -> bytes:
    return b"58=%b\x01" % text.replace("\x01", " ").encode("ascii", "replace")

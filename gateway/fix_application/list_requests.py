"""Lists of orders over FIX: NewOrderList(E) and ListCancelRequest(K) into commands.

The fields are those of Binance's FIX API. Each order of an E is read as the NewOrderSingle(D) that
would enter it alone. What the orders mean to each other is ContingencyType(1385); instructions that
say so again, order by order, must say what the venue does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from gateway.fix import tags, values
from gateway.fix.codec import Decoder, FixMessage, encode, encode_fields
from gateway.fix.dictionary import fix44
from gateway.fix_application import orders as fix_orders
from gateway.fix_application.list_status import Instruction, instructions
from gateway.order_entry import OrderEntry
from gateway.order_tracker import Orders
from gateway.orders import OrderList
from vocabulary.commands import CancelOrder, EnterOrder, EnterOrderList
from vocabulary.rejects import Refused, RejectReason
from vocabulary.types import INT64_MAX, Contingency, OrderType

NEW_ORDER_LIST = b"E"
LIST_CANCEL_REQUEST = b"K"
LIST_STATUS_REQUEST = b"M"

_STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)
_CONTINGENCIES = {
    values.ContingencyType.ONE_CANCELS_THE_OTHER: Contingency.ONE_CANCELS_OTHER,
    values.ContingencyType.ONE_TRIGGERS_THE_OTHER: Contingency.ONE_TRIGGERS_OTHER,
}
_ORDERS = {
    Contingency.ONE_CANCELS_OTHER: (2,),
    Contingency.ONE_TRIGGERS_OTHER: (2, 3),
}
_INSTRUCTION_TAGS = frozenset({
    tags.NoListTriggeringInstructions,
    tags.ListTriggerType,
    tags.ListTriggerTriggerIndex,
    tags.ListTriggerAction,
})  # fmt: skip


class _Entry(NamedTuple):
    """One order of an E: its fields as they stand, and when it is released or canceled."""

    fields: list[tuple[int, bytes]]
    instructions: list[Instruction]


def command(
    message: FixMessage,
    order_entry: OrderEntry,
    session_id: int,
    session_number: int,
    account_id: int,
) -> EnterOrderList:
    """Return what an E asks for; the dictionary finds it valid. Raises `Refused`."""
    contingency = _CONTINGENCIES[message.get(tags.ContingencyType) or b""]
    entries = list(_entries(message))
    if len(entries) not in _ORDERS[contingency]:
        counts = " or ".join(map(str, _ORDERS[contingency]))
        text = f"NoOrders(73)={len(entries)} is not supported: such a list has {counts} orders"
        raise _unsupported(text)
    orders = [
        _order(index, entry, order_entry, session_id, session_number, account_id)
        for index, entry in enumerate(entries)
    ]
    if len({order.instrument_id for order in orders}) > 1:
        raise _unsupported("the orders of a list are for one Symbol(55)")
    expected = instructions(contingency, [order.order_type for order in orders])
    for index, (entry, wanted) in enumerate(zip(entries, expected, strict=True)):
        if entry.instructions not in ([], wanted):
            raise _unsupported(_other_instructions(index, entry.instructions, wanted))
    is_pair = contingency is Contingency.ONE_CANCELS_OTHER or len(orders) > 2
    if is_pair and orders[-2].order_type in _STOPS:
        orders[-2:] = orders[-1], orders[-2]
    name = message.get(tags.ClListID) or b""
    return order_entry.order_list(contingency, name, *orders)


def cancel(
    orders: Orders,
    entering: Iterable[FixMessage],
    message: FixMessage,
    order_entry: OrderEntry,
    session_id: int,
    session_number: int,
    account_id: int,
) -> CancelOrder:
    """Return the command that cancels the list that a K names. Raises `Refused`.

    Any order of it will do: the others end with it. A K that comes again finds none of them open,
    and is known to the matching process by its number. `entering` are the session's E whose records
    are not back: of such a list the last order is canceled, which is open for as long as any is.
    """
    order_list = named_list(message, orders, account_id)
    if order_list is not None:
        open_orders = [order for order in order_list.orders if order.status.is_open]
        order = (open_orders or order_list.orders)[0]
        list_name, symbol = order_list.client_list_id, order.instrument.symbol
        order_id, name = order.order_id, b""
    else:
        list_name = message.get(tags.OrigClListID) or b""
        fields = dict(_last_entry(list_name, entering).fields)
        symbol = fields[tags.Symbol].decode("latin-1")
        order_id, name = 0, fields[tags.ClOrdID]
    return order_entry.cancel_order(
        session_id,
        session_number,
        account_id,
        symbol=symbol,
        order_id=order_id,
        original_client_order_id=name,
        client_order_id=message.get(tags.ClOrdID) or list_name,
    )


def _last_entry(list_name: bytes, entering: Iterable[FixMessage]) -> _Entry:
    """Return the last order of the list of this name that is on its way. Raises `Refused`."""
    for message in entering:
        if list_name and message.get(tags.ClListID) == list_name:
            return list(_entries(message))[-1]
    raise Refused(RejectReason.UNKNOWN_ORDER, "no such list")


def named_list(message: FixMessage, orders: Orders, account_id: int) -> OrderList | None:
    """Return the list that a K or M is about: ListID(66) counts where it is given."""
    list_id = message.get(tags.ListID)
    if list_id is None:
        name = message.get(tags.OrigClListID) or message.get(tags.ClListID) or b""
        return orders.order_list(account_id, client_list_id=name)
    if not list_id.isdigit() or len(list_id) > len(str(INT64_MAX)):
        return None
    return orders.order_list(account_id, list_id=int(list_id))


def _entries(message: FixMessage) -> Iterator[_Entry]:
    """Yield the orders of an E, each with its instructions."""
    members = fix44().group_members(NEW_ORDER_LIST, tags.NoOrders)
    entry: _Entry | None = None
    for tag, value in message.fields:
        if tag not in members:
            continue
        if tag == tags.ClOrdID:
            if entry is not None:
                yield entry
            entry = _Entry([], [])
        assert entry is not None
        if tag == tags.ListTriggerType:
            entry.instructions.append(Instruction(value))
        elif tag == tags.ListTriggerTriggerIndex:
            entry.instructions[-1] = entry.instructions[-1]._replace(other=int(value))
        elif tag == tags.ListTriggerAction:
            entry.instructions[-1] = entry.instructions[-1]._replace(action=value)
        elif tag not in _INSTRUCTION_TAGS:
            entry.fields.append((tag, value))
    if entry is not None:
        yield entry


def _order(
    index: int,
    entry: _Entry,
    order_entry: OrderEntry,
    session_id: int,
    session_number: int,
    account_id: int,
) -> EnterOrder:
    fields = [(tags.MsgType, fix_orders.NEW_ORDER_SINGLE), *entry.fields]
    [alone] = Decoder().receive_data(encode(encode_fields(fields)))
    try:
        order = fix_orders.command(alone, order_entry, session_id, session_number, account_id)
    except Refused as refused:
        raise Refused(refused.reason, f"order {index + 1}: {refused.text}") from None
    assert isinstance(order, EnterOrder)
    return order


def _other_instructions(index: int, given: list[Instruction], wanted: list[Instruction]) -> str:
    if len(given) != len(wanted):
        count = f"NoListTriggeringInstructions(25010)={len(given)}"
        return f"order {index + 1}: {count} is not supported, {len(wanted)} is meant"
    return (
        f"order {index + 1}: ListTriggerType(25011), ListTriggerTriggerIndex(25012) and"
        " ListTriggerAction(25013) are not those of ContingencyType(1385)"
    )


def _unsupported(text: str) -> Refused:
    return Refused(RejectReason.UNSUPPORTED_ORDER, text)

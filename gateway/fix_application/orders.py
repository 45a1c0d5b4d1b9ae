"""FIX requests into commands: D, F and G (new order, cancel, cancel and replace).

What the venue can't honour is refused, never passed over in silence: an order that means more than
we would do is not the order that its sender wants.
"""

from __future__ import annotations

import msgspec

from gateway.fix import tags, values
from gateway.fix.codec import FixMessage
from gateway.fix.timestamps import parse_utc_date, parse_utc_timestamp
from gateway.order_entry import OrderEntry
from gateway.order_tracker import Orders
from gateway.orders import Order
from vocabulary.commands import CancelOrder, EnterOrder, ReplaceOrder
from vocabulary.rejects import Refused, RejectReason
from vocabulary.types import (
    INT64_MAX,
    OrderFlags,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

NEW_ORDER_SINGLE = b"D"
ORDER_CANCEL_REQUEST = b"F"
ORDER_CANCEL_REPLACE_REQUEST = b"G"
ORDER_STATUS_REQUEST = b"H"

OrderCommand = EnterOrder | CancelOrder | ReplaceOrder

_SIDES = {values.Side.BUY: Side.BUY, values.Side.SELL: Side.SELL}
_ORDER_TYPES = {
    values.OrdType.MARKET: OrderType.MARKET,
    values.OrdType.LIMIT: OrderType.LIMIT,
    values.OrdType.STOP: OrderType.STOP,
    values.OrdType.STOP_LIMIT: OrderType.STOP_LIMIT,
}
_TAKES_PROFIT = {
    OrderType.STOP: OrderType.TAKE_PROFIT,
    OrderType.STOP_LIMIT: OrderType.TAKE_PROFIT_LIMIT,
}
# FIX 4.4 vol. 7 reads an absent TimeInForce(59) as Day. This venue never closes: it reads Good Till
# Cancel. A Day that is asked for by name ends at midnight UTC.
_TIMES_IN_FORCE = {
    None: TimeInForce.GOOD_TILL_CANCEL,
    values.TimeInForce.DAY: TimeInForce.DAY,
    values.TimeInForce.GOOD_TILL_CANCEL: TimeInForce.GOOD_TILL_CANCEL,
    values.TimeInForce.IMMEDIATE_OR_CANCEL: TimeInForce.IMMEDIATE_OR_CANCEL,
    values.TimeInForce.FILL_OR_KILL: TimeInForce.FILL_OR_KILL,
    values.TimeInForce.GOOD_TILL_DATE: TimeInForce.GOOD_TILL_DATE,
}
# What a replace may say of it; the order keeps its own.
_RESTING_TIMES_IN_FORCE = {
    None,
    values.TimeInForce.DAY,
    values.TimeInForce.GOOD_TILL_CANCEL,
    values.TimeInForce.GOOD_TILL_DATE,
}
_DAY_NS = 24 * 3600 * 10**9
_FLAGS = {
    None: OrderFlags.NONE,
    values.ExecInst.PARTICIPATE_DONT_INITIATE: OrderFlags.POST_ONLY,
    values.ExecInst.CANCEL_ON_CONNECTION_LOSS: OrderFlags.CANCEL_WITH_SESSION,
    b"6 o": OrderFlags.POST_ONLY | OrderFlags.CANCEL_WITH_SESSION,
    b"o 6": OrderFlags.POST_ONLY | OrderFlags.CANCEL_WITH_SESSION,
}
_PREVENTIONS = {
    None: SelfTradePrevention.ACCOUNT_DEFAULT,
    values.SelfTradePreventionMode.NONE: SelfTradePrevention.NONE,
    values.SelfTradePreventionMode.EXPIRE_TAKER: SelfTradePrevention.EXPIRE_TAKER,
    values.SelfTradePreventionMode.EXPIRE_MAKER: SelfTradePrevention.EXPIRE_MAKER,
    values.SelfTradePreventionMode.EXPIRE_BOTH: SelfTradePrevention.EXPIRE_BOTH,
    values.SelfTradePreventionMode.DECREMENT: SelfTradePrevention.DECREMENT,
}
# What an order may not have: it asks for more than this venue does.
_UNSUPPORTED = {
    tags.MinQty: "MinQty",
    tags.MaxShow: "MaxShow",
    tags.OrderPercent: "OrderPercent",
    tags.OrderQty2: "OrderQty2",
    tags.Price2: "Price2",
    tags.EffectiveTime: "EffectiveTime",
    tags.PegOffsetValue: "PegOffsetValue",
    tags.DiscretionInst: "DiscretionInst",
    tags.DiscretionOffsetValue: "DiscretionOffsetValue",
    tags.TargetStrategy: "TargetStrategy",
    tags.ParticipationRate: "ParticipationRate",
    tags.NoAllocs: "NoAllocs",
}
# What may only say what is so here: units, at a price for each, paid for with one's own.
_ONLY = {
    tags.QtyType: ("QtyType", values.QtyType.UNITS),
    tags.PriceType: ("PriceType", values.PriceType.PER_UNIT),
    tags.CashMargin: ("CashMargin", values.CashMargin.CASH),
    tags.ForexReq: ("ForexReq", b"N"),
}


def command(
    message: FixMessage,
    order_entry: OrderEntry,
    session_id: int,
    session_number: int,
    account_id: int,
) -> OrderCommand:
    """Return what a D, F or G asks for; the dictionary finds it valid. Raises `Refused`."""
    if message.msg_type == NEW_ORDER_SINGLE:
        return _enter_order(message, order_entry, session_id, session_number, account_id)
    if message.msg_type == ORDER_CANCEL_REPLACE_REQUEST:
        return _replace_order(message, order_entry, session_id, session_number, account_id)
    return order_entry.cancel_order(
        session_id,
        session_number,
        account_id,
        symbol=_text(message, tags.Symbol),
        order_id=order_id(message),
        original_client_order_id=message.get(tags.OrigClOrdID) or b"",
        client_order_id=message.get(tags.ClOrdID) or b"",
    )


def counting_undone(command: ReplaceOrder, orders: Orders) -> ReplaceOrder:
    """Return a replace that counts undone lots as filled, as the engine does."""
    order = orders.order(
        command.account_id,
        order_id=command.order_id,
        client_order_id=command.original_client_order_id,
    )
    if order is None or not order.undone_lots:
        return command
    lots = min(command.quantity_lots + order.undone_lots, INT64_MAX)
    return msgspec.structs.replace(command, quantity_lots=lots)


def named_order(message: FixMessage, orders: Orders, account_id: int) -> Order | None:
    """Return the order that an F, G or H is about, as far as it is known.

    OrderID(37) counts where it is given, otherwise OrigClOrdID(41) or, in an H, ClOrdID(11).
    """
    is_status_request = message.msg_type == ORDER_STATUS_REQUEST
    try:
        return orders.order(
            account_id,
            order_id=order_id(message),
            client_order_id=message.get(tags.ClOrdID if is_status_request else tags.OrigClOrdID)
            or b"",
        )
    except Refused:
        return None


def order_id(message: FixMessage) -> int:
    """Return OrderID(37), 0 where it is absent. Raises `Refused` if it is none of ours."""
    text = message.get(tags.OrderID)
    if text is None:
        return 0
    if not text.isdigit() or len(text) > 19 or not 0 < int(text) <= INT64_MAX:
        raise Refused(RejectReason.UNKNOWN_ORDER, "OrderID(37) is none of this venue's")
    return int(text)


def _enter_order(
    message: FixMessage,
    order_entry: OrderEntry,
    session_id: int,
    session_number: int,
    account_id: int,
) -> EnterOrder:
    time_in_force = _TIMES_IN_FORCE.get(message.get(tags.TimeInForce))
    flags = _FLAGS.get(message.get(tags.ExecInst))
    direction = message.get(tags.TriggerPriceDirection)
    order_type = _ORDER_TYPES.get(message.get(tags.OrdType) or b"")
    side = _SIDES.get(message.get(tags.Side) or b"")
    if time_in_force is None:
        raise _unsupported(message, tags.TimeInForce, "TimeInForce")
    if flags is None:
        raise _unsupported(message, tags.ExecInst, "ExecInst")
    if order_type is None:
        raise _unsupported(message, tags.OrdType, "OrdType")
    if side is None:
        raise _unsupported(message, tags.Side, "Side")
    # The stop of a buyer waits for a rise: one that waits for a fall takes profit.
    if direction is not None and (direction == values.TriggerPriceDirection.UP) != (
        side is Side.BUY
    ):
        order_type = _TAKES_PROFIT.get(order_type)
        if order_type is None:
            raise _unsupported(message, tags.TriggerPriceDirection, "TriggerPriceDirection")
    _check_supported(message, order_entry)
    return order_entry.enter_order(
        session_id,
        session_number,
        account_id,
        symbol=_text(message, tags.Symbol),
        side=side,
        order_type=order_type,
        time_in_force=time_in_force,
        flags=flags,
        price=_text(message, tags.Price) if tags.Price in message else None,
        quantity=_text(message, tags.OrderQty) if tags.OrderQty in message else None,
        quote_amount=_text(message, tags.CashOrderQty) if tags.CashOrderQty in message else None,
        display_quantity=_text(message, tags.MaxFloor) if tags.MaxFloor in message else None,
        client_order_id=message.get(tags.ClOrdID) or b"",
        expire_time_ns=_expire_time_ns(message),
        trigger_price=_trigger_price(message),
        trailing_bps=int(message.get(tags.TriggerTrailingDeltaBips) or b"0"),
        self_trade_prevention=_PREVENTIONS[message.get(tags.SelfTradePreventionMode)],
    )


def _replace_order(
    message: FixMessage,
    order_entry: OrderEntry,
    session_id: int,
    session_number: int,
    account_id: int,
) -> ReplaceOrder:
    if message.get(tags.OrdType) != values.OrdType.LIMIT:
        raise _unsupported(message, tags.OrdType, "OrdType")
    if message.get(tags.TimeInForce) not in _RESTING_TIMES_IN_FORCE:
        raise _unsupported(message, tags.TimeInForce, "TimeInForce")
    kept = (
        (tags.ExpireTime, "ExpireTime"),
        (tags.ExpireDate, "ExpireDate"),
        (tags.CashOrderQty, "CashOrderQty"),
        (tags.MaxFloor, "MaxFloor"),
    )
    for tag, name in kept:
        if tag in message:  # the order keeps what it has: to take another silently would be a lie
            raise _unsupported(message, tag, name)
    _check_supported(message, order_entry)
    return order_entry.replace_order(
        session_id,
        session_number,
        account_id,
        symbol=_text(message, tags.Symbol),
        order_id=order_id(message),
        original_client_order_id=message.get(tags.OrigClOrdID) or b"",
        price=_text(message, tags.Price) if tags.Price in message else None,
        quantity=_quantity(message),
        client_order_id=message.get(tags.ClOrdID) or b"",
    )


def _trigger_price(message: FixMessage) -> str | None:
    """Return StopPx(99), or TriggerPrice(1102), which FIX 5.0 and Binance have in its place."""
    price, other = message.get(tags.StopPx), message.get(tags.TriggerPrice)
    if price is None:
        price = other
    elif other is not None:
        text = "StopPx(99) or TriggerPrice(1102), not both"
        raise Refused(RejectReason.UNSUPPORTED_ORDER, text)
    return price.decode("latin-1") if price is not None else None


def _expire_time_ns(message: FixMessage) -> int:
    """Return when a good till date order ends, 0 where nothing is said of it.

    FIX 4.4 vol. 7: ExpireDate(432) is the last day on which the order can trade. Days are UTC's.
    """
    time, date = message.get(tags.ExpireTime), message.get(tags.ExpireDate)
    if time is not None and date is not None:
        text = "ExpireTime(126) or ExpireDate(432), not both"
        raise Refused(RejectReason.EXPIRE_TIME_OUT_OF_RANGE, text)
    if time is not None:
        return parse_utc_timestamp(time)
    if date is None:
        return 0
    return min((parse_utc_date(date) + 1) * _DAY_NS, INT64_MAX)  # a date may be of the year 9999


def _text(message: FixMessage, tag: int) -> str:
    # Latin-1 knows every byte; what isn't ASCII is found to be no decimal and no symbol.
    return (message.get(tag) or b"").decode("latin-1")


def _quantity(message: FixMessage) -> str:
    if tags.OrderQty not in message:
        raise Refused(RejectReason.MALFORMED_QUANTITY, "an order needs OrderQty(38)")
    return _text(message, tags.OrderQty)


def _check_supported(message: FixMessage, order_entry: OrderEntry) -> None:
    for tag, name in _UNSUPPORTED.items():
        if message.find(tag) >= 0:
            raise _unsupported(message, tag, name)
    for tag, (name, only) in _ONLY.items():
        said = message.get(tag)
        if said is not None and said != only:
            raise _unsupported(message, tag, name)
    currency = message.get(tags.Currency)  # FIX 4.4 vol. 7: that of the price
    instrument = order_entry.catalogue.instrument_by_symbol.get(_text(message, tags.Symbol))
    if currency is None or instrument is None:
        return
    if currency != instrument.quote.name.encode():
        raise _unsupported(message, tags.Currency, "Currency")


def _unsupported(message: FixMessage, tag: int, name: str) -> Refused:
    text = f"{name}({tag})={_text(message, tag)[:16]} is not supported"
    return Refused(RejectReason.UNSUPPORTED_ORDER, text)

"""Requests, in any protocol's decimal text and names, into commands.

The one place where a door's request becomes the venue's own words. What only the engine can know
(funds, open orders, phase, bounds) it refuses itself, in the record.
"""

from __future__ import annotations

import re

from vocabulary import commands as c
from vocabulary.catalogue import Catalogue
from vocabulary.instrument import Instrument
from vocabulary.rejects import Refused, RejectReason
from vocabulary.types import (
    CLIENT_ORDER_ID_BYTES_MAX,
    ID_MAX,
    INT64_MAX,
    Contingency,
    OrderFlags,
    OrderType,
    SelfTradePrevention,
    Side,
    Sides,
    TimeInForce,
)

_ID_BYTES_MAX = CLIENT_ORDER_ID_BYTES_MAX
_ID_LETTER = re.compile(rb"[A-Za-z0-9.:/_-]")
_ID_LETTERS = bytes(_ID_LETTER.match(bytes([byte])) is not None for byte in range(256))


class OrderEntry:
    """Makes commands. All methods raise `Refused`, in the order of `RejectReason`.

    But for an unknown instrument, which comes first: without its increments neither price nor
    quantity can be read.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def enter_order(
        self,
        session_id: int,
        session_number: int,
        account_id: int,
        *,
        symbol: str,
        side: Side,
        order_type: OrderType,
        time_in_force: TimeInForce = TimeInForce.GOOD_TILL_CANCEL,
        flags: OrderFlags = OrderFlags.NONE,
        price: str | None,
        quantity: str | None,
        quote_amount: str | None = None,
        display_quantity: str | None = None,
        client_order_id: bytes,
        expire_time_ns: int = 0,
        self_trade_prevention: SelfTradePrevention = SelfTradePrevention.ACCOUNT_DEFAULT,
        trigger_price: str | None = None,
        trailing_bps: int = 0,
    ) -> c.EnterOrder:
        """Return the command for a new order; a market order has no price.

        Its quantity, or the amount of quote asset that makes one, is there.
        """
        instrument = self._instrument(symbol)
        is_limit = order_type % 2 == 0
        price_ticks = _price_ticks(instrument, price) if is_limit else 0
        quantity_lots = _quantity_lots(instrument, quantity, quote_amount)
        quote_units = _quote_units(instrument, quote_amount) if quote_amount is not None else 0
        _check_client_order_id(client_order_id)
        if price is not None and not is_limit:
            raise Refused(RejectReason.UNSUPPORTED_ORDER, "a market order has no price")
        return c.EnterOrder(
            session_id,
            session_number,
            account_id,
            instrument.instrument_id,
            side,
            order_type,
            time_in_force,
            flags,
            price_ticks,
            quantity_lots,
            client_order_id,
            expire_time_ns,
            self_trade_prevention,
            _trigger_ticks(instrument, trigger_price),
            min(trailing_bps, ID_MAX),
            quote_units,
            _display_lots(instrument, display_quantity, quantity_lots),
        )

    def order_list(
        self,
        contingency: Contingency,
        client_list_id: bytes,
        *orders: c.EnterOrder,
    ) -> c.EnterOrderList:
        """Return the command for orders that depend on each other."""
        _check_client_order_id(client_list_id)
        return c.list_orders(contingency, client_list_id, *orders)

    def replace_order(
        self,
        session_id: int,
        session_number: int,
        account_id: int,
        *,
        symbol: str,
        order_id: int = 0,
        original_client_order_id: bytes = b"",
        price: str | None,
        quantity: str,
        client_order_id: bytes = b"",
    ) -> c.ReplaceOrder:
        """Return the command for new terms; `quantity` is the new total. Either id names it."""
        instrument = self._instrument(symbol)
        price_ticks = _price_ticks(instrument, price)
        quantity_lots = instrument.order_quantity_lots(quantity)
        if client_order_id:
            _check_client_order_id(client_order_id)
        _check_order_is_named(order_id, original_client_order_id)
        return c.ReplaceOrder(
            session_id,
            session_number,
            account_id,
            instrument.instrument_id,
            order_id,
            price_ticks,
            quantity_lots,
            client_order_id,
            b"" if order_id else original_client_order_id,
        )

    def cancel_order(
        self,
        session_id: int,
        session_number: int,
        account_id: int,
        *,
        symbol: str,
        order_id: int = 0,
        original_client_order_id: bytes = b"",
        client_order_id: bytes = b"",
    ) -> c.CancelOrder:
        """Return the command for a cancel. Either id names the order."""
        instrument = self._instrument(symbol)
        if client_order_id:
            _check_client_order_id(client_order_id)
        _check_order_is_named(order_id, original_client_order_id)
        return c.CancelOrder(
            session_id,
            session_number,
            account_id,
            instrument.instrument_id,
            order_id,
            client_order_id,
            b"" if order_id else original_client_order_id,
        )

    def cancel_all_orders(
        self,
        session_id: int,
        session_number: int,
        account_id: int,
        *,
        symbol: str | None = None,
        client_order_id: bytes = b"",
        sides: Sides = Sides.BOTH,
        entered_by: int = 0,
    ) -> c.CancelAllOrders:
        """Return the command that cancels an account's orders in one instrument or in all.

        Of these those that a session has entered, or (0) any.
        """
        instrument_id = self._instrument(symbol).instrument_id if symbol is not None else 0
        if client_order_id:
            _check_client_order_id(client_order_id)
        return c.CancelAllOrders(
            session_id,
            session_number,
            account_id,
            instrument_id,
            client_order_id,
            sides,
            entered_by,
        )

    def _instrument(self, symbol: str) -> Instrument:
        instrument = self.catalogue.instrument_by_symbol.get(symbol)
        if instrument is None:
            raise Refused(RejectReason.UNKNOWN_INSTRUMENT, f"symbol {symbol[:32]!r} is not listed")
        return instrument


def _price_ticks(instrument: Instrument, price: str | None) -> int:
    if price is None:
        raise Refused(RejectReason.MALFORMED_PRICE, "a limit order needs a price")
    return instrument.order_price_ticks(price)


def _trigger_ticks(instrument: Instrument, price: str | None) -> int:
    return instrument.order_price_ticks(price, "stop price") if price is not None else 0


def _quantity_lots(instrument: Instrument, quantity: str | None, quote_amount: str | None) -> int:
    if quantity is not None:
        return instrument.order_quantity_lots(quantity)
    if quote_amount is None:
        raise Refused(RejectReason.MALFORMED_QUANTITY, "an order needs a quantity")
    return 0


def _display_lots(instrument: Instrument, display: str | None, quantity_lots: int) -> int:
    """Return what is displayed at a time; 0 if that is all of the order."""
    if display is None:
        return 0
    lots = instrument.order_quantity_lots(display, "displayed quantity")
    if lots == 0:
        text = "an order that displays nothing is not taken"
        raise Refused(RejectReason.DISPLAY_QUANTITY_OUT_OF_RANGE, text)
    return 0 if lots == quantity_lots else lots


def _quote_units(instrument: Instrument, amount: str) -> int:
    try:
        units = instrument.quote.units(amount)
    except ValueError as error:
        raise Refused(RejectReason.MALFORMED_QUANTITY, str(error)) from None
    if units == 0:
        raise Refused(RejectReason.NOTIONAL_TOO_SMALL, "an amount of nothing buys nothing")
    return units


def _check_client_order_id(client_order_id: bytes) -> None:
    if not is_client_order_id(client_order_id, 0, len(client_order_id)):
        raise Refused(
            RejectReason.MALFORMED_CLIENT_ORDER_ID,
            f"client order id is not 1 to {CLIENT_ORDER_ID_BYTES_MAX} of A-Z a-z 0-9 . : / _ -",
        )


def is_client_order_id(octets: bytes, start: int, stop: int) -> bool:
    """Say whether a client order id stands between two places."""
    letters = _ID_LETTERS
    if start == stop or stop - start > _ID_BYTES_MAX:
        return False
    for index in range(start, stop):  # noqa: SIM110 (a loop over bytes compiles to one over C's)
        if not letters[octets[index]]:
            return False
    return True


def _check_order_is_named(order_id: int, original_client_order_id: bytes) -> None:
    size = len(original_client_order_id)
    if order_id == 0 and size == 0:
        raise Refused(RejectReason.UNKNOWN_ORDER, "the request names no order")
    if not 0 <= order_id <= INT64_MAX or (
        order_id == 0 and not is_client_order_id(original_client_order_id, 0, size)
    ):
        raise Refused(RejectReason.UNKNOWN_ORDER, "no such order")

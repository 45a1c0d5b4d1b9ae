"""What a strategy decides: to place an order, or to cancel one.

A decision is known everywhere by strategy, symbol, epoch and number. The same events make the same
decisions with the same numbers, so two instances of a strategy can't contradict each other; and the
client order id is a function of these four, so that of two who send one decision the venue takes
the first and answers the second with it.

Bytes: MessagePack, an array per decision.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import NamedTuple

import msgspec

from vocabulary.types import CLIENT_ORDER_ID_BYTES_MAX, Side

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_CLIENT_ORDER_ID = re.compile(r"([a-z][a-z0-9]{0,7})\.([A-Z0-9]{1,12})-([0-9a-z]+)-([0-9a-z]+)")


class Action(IntEnum):
    """What is to be done."""

    PLACE = 1
    CANCEL = 2


class OrderStyle(IntEnum):
    """How an order is to meet the market."""

    RESTING = 1
    """Good till cancel."""
    POST_ONLY = 2
    """Good till cancel, and refused where it would take."""
    IMMEDIATE = 3
    """Immediate or cancel."""


class OrderName(NamedTuple):
    """Which order of the firm's it is: `number` is that of the decision that places it."""

    strategy: str
    symbol: str
    epoch: int
    number: int

    @property
    def client_order_id(self) -> str:
        """Return the ClOrdID(11): the name itself, readable, at most 36 characters."""
        text = f"{self.strategy}.{self.symbol}-{base36(self.epoch)}-{base36(self.number)}"
        if len(text) > CLIENT_ORDER_ID_BYTES_MAX:
            raise ValueError(f"client order id {text!r}: over {CLIENT_ORDER_ID_BYTES_MAX} bytes")
        return text


class Decision(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Number `number` of a strategy in a symbol, counted from 1 in each epoch.

    `cause` is the stream_sequence of the event at which it was made. `order` is the number of the
    decision that placed the order to be canceled; for `PLACE` it is the decision's own. A `CANCEL`
    repeats its order's terms.
    """

    strategy: str
    symbol: str
    epoch: int
    number: int
    cause: int
    action: Action
    order: int
    side: Side
    price_ticks: int
    lots: int
    style: OrderStyle

    @property
    def order_name(self) -> OrderName:
        return OrderName(self.strategy, self.symbol, self.epoch, self.order)

    @property
    def client_order_id(self) -> str:
        """Return the ClOrdID(11) of what is sent for this decision, an order or a cancel."""
        return OrderName(self.strategy, self.symbol, self.epoch, self.number).client_order_id


class Envelope(NamedTuple):
    """A decision on its way to the execution engines, as the alpha generator that leads sends it.

    `token` is the fencing token of its lease on the symbol, `sent_ns` its UTC clock. Bytes:
    MessagePack, an array.
    """

    token: int
    sent_ns: int
    decision: Decision


def base36(number: int) -> str:
    """Return a number that is not negative in digits and small letters."""
    text = ""
    while True:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
        if number == 0:
            return text


def parse_client_order_id(text: str) -> OrderName | None:
    """Return whose order it is, or None if no strategy of ours has made such an id."""
    found = _CLIENT_ORDER_ID.fullmatch(text)
    if found is None:
        return None
    strategy, symbol, epoch, number = found.groups()
    return OrderName(strategy, symbol, int(epoch, 36), int(number, 36))

"""What a client may ask, as typed structs; anything else is an `ApiError` that names the parameter.

Parameters arrive as a mapping: text from a REST query, text and integers from WebSocket JSON.
Decimals stay text here: the instrument reads them (see `gateway.order_entry`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from gateway.json_api.errors import ApiError, ErrorCode, invalid, mandatory, not_required
from vocabulary.types import ID_MAX, INT64_MAX

Value = str | int | bool | list[str]

Limit = Annotated[int, Meta(ge=1, le=1000)]
Milliseconds = Annotated[int, Meta(ge=0, le=INT64_MAX // 1_000_000)]
Identifier = Annotated[int, Meta(ge=0, le=INT64_MAX)]
Interval = Literal["1m", "5m", "15m", "1h", "4h", "1d"]


SelfTradePreventionMode = Literal[
    "NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"
]


class Request(msgspec.Struct, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """A request without parameters."""


class SignedRequest(Request, kw_only=True):
    """A request in an account's name. See `gateway.json_api.signing` for the two times."""

    timestamp: Milliseconds
    recv_window: Annotated[int, Meta(ge=0)] = 5000


class Symbols(Request):
    """One symbol, or several, or (neither) all."""

    symbol: str | None = None
    symbols: list[str] | str | None = None

    def names(self) -> list[str] | None:
        """Return the symbols asked for, None for all. In a query, `symbols` is JSON in text."""
        if self.symbol is not None and self.symbols is not None:
            raise ApiError(
                ErrorCode.OPTIONAL_PARAMS_BAD_COMBO,
                "Combination of optional parameters invalid.",
            )
        if self.symbol is not None:
            return [self.symbol]
        if not isinstance(self.symbols, str):
            return self.symbols
        try:
            return msgspec.json.decode(self.symbols, type=list[str])
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise invalid("symbols") from None


class Depth(Request):
    symbol: str
    limit: Annotated[int, Meta(ge=1, le=5000)] = 100


class Trades(Request):
    symbol: str
    limit: Limit = 500


class HistoricalTrades(Request):
    symbol: str
    from_id: Identifier | None = None
    limit: Limit = 500


class AggregateTrades(Request):
    symbol: str
    from_id: Identifier | None = None
    start_time: Milliseconds | None = None
    end_time: Milliseconds | None = None
    limit: Limit = 500


class Klines(Request):
    symbol: str
    interval: Interval
    start_time: Milliseconds | None = None
    end_time: Milliseconds | None = None
    limit: Limit = 500


_AT_MARKET = {"MARKET", "STOP_LOSS", "TAKE_PROFIT"}


class PlaceOrder(SignedRequest, kw_only=True):
    symbol: str
    side: Literal["BUY", "SELL"]
    type: Literal[
        "LIMIT",
        "MARKET",
        "LIMIT_MAKER",
        "STOP_LOSS",
        "STOP_LOSS_LIMIT",
        "TAKE_PROFIT",
        "TAKE_PROFIT_LIMIT",
    ]
    time_in_force: Literal["GTC", "IOC", "FOK", "DAY", "GTD"] | None = None
    good_till_date: Milliseconds | None = None
    quantity: str | None = None
    quote_order_qty: str | None = None
    iceberg_qty: str | None = None
    price: str | None = None
    stop_price: str | None = None
    trailing_delta: Annotated[int, Meta(ge=1, le=ID_MAX)] | None = None
    new_client_order_id: str | None = None
    new_order_resp_type: Literal["ACK", "RESULT", "FULL"] | None = None
    self_trade_prevention_mode: SelfTradePreventionMode | None = None

    def check(self) -> None:
        """Raise `ApiError` unless the type has the parameters that it needs, and no others."""
        self._check_quantity()
        if self.type in _AT_MARKET:
            if self.price is not None:
                raise not_required("price")
        elif self.price is None:
            raise mandatory("price")
        if self.type in {"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"}:
            if self.time_in_force is None:
                raise mandatory("timeInForce")
        elif self.time_in_force is not None:
            raise not_required("timeInForce")
        if self.type in {"LIMIT", "MARKET", "LIMIT_MAKER"}:
            if self.stop_price is not None:
                raise not_required("stopPrice")
            if self.trailing_delta is not None:
                raise not_required("trailingDelta")
        elif self.stop_price is None and self.trailing_delta is None:
            raise mandatory("stopPrice")
        if self.time_in_force == "GTD":
            if self.good_till_date is None:
                raise mandatory("goodTillDate")
        elif self.good_till_date is not None:
            raise not_required("goodTillDate")

    def _check_quantity(self) -> None:
        if self.quote_order_qty is None:
            if self.quantity is None:
                raise mandatory("quantity")
        elif self.type != "MARKET" or self.quantity is not None:
            raise not_required("quoteOrderQty")
        if self.iceberg_qty is not None and self.type in _AT_MARKET:
            raise not_required("icebergQty")

    @property
    def response_type(self) -> str:
        return self.new_order_resp_type or ("FULL" if self.type in {"LIMIT", "MARKET"} else "ACK")


class NamedOrder(SignedRequest, kw_only=True):
    """An order by our id or by its client's."""

    symbol: str
    order_id: Identifier | None = None
    orig_client_order_id: str | None = None

    def check(self) -> None:
        """Raise `ApiError` unless exactly one of the two names is there."""
        if self.order_id is None and self.orig_client_order_id is None:
            raise ApiError(
                ErrorCode.MANDATORY_PARAM_EMPTY_OR_MALFORMED,
                "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
            )
        if self.order_id is not None and self.orig_client_order_id is not None:
            raise ApiError(
                ErrorCode.OPTIONAL_PARAMS_BAD_COMBO, "Send 'orderId' or 'origClientOrderId'."
            )


class QueryOrder(NamedOrder, kw_only=True):
    pass


class CancelOrder(NamedOrder, kw_only=True):
    new_client_order_id: str | None = None


class CancelOpenOrders(SignedRequest, kw_only=True):
    """All of the account's open orders in a symbol or, with a side, those of it."""

    symbol: str
    side: Literal["BUY", "SELL"] | None = None


class CountdownCancelAll(SignedRequest, kw_only=True):
    """`countdown_time` in milliseconds; 0 ends the countdown."""

    symbol: str
    countdown_time: Annotated[int, Meta(ge=0, le=600_000)]


class OpenOrders(SignedRequest, kw_only=True):
    symbol: str | None = None


class AllOrders(SignedRequest, kw_only=True):
    symbol: str
    order_id: Identifier | None = None
    start_time: Milliseconds | None = None
    end_time: Milliseconds | None = None
    limit: Limit = 500


class MyTrades(SignedRequest, kw_only=True):
    symbol: str
    order_id: Identifier | None = None
    from_id: Identifier | None = None
    start_time: Milliseconds | None = None
    end_time: Milliseconds | None = None
    limit: Limit = 500


class Account(SignedRequest, kw_only=True):
    omit_zero_balances: bool = False


class Commission(SignedRequest, kw_only=True):
    symbol: str


class TradeFees(SignedRequest, kw_only=True):
    """Of one symbol, or of all."""

    symbol: str | None = None


class Unsubscribe(Request):
    """The end of one user data stream or, without an id, of all of the connection's."""

    subscription_id: int | None = None


_AnyRequest = TypeVar("_AnyRequest", bound=Request)

_MISSING = re.compile(r"missing required field `(\w+)`")
_UNKNOWN = re.compile(r"unknown field `(.*)`", re.DOTALL)
_AT = re.compile(r"at `\$\.(\w+)")
_CODES = {
    "interval": (ErrorCode.BAD_INTERVAL, "Invalid interval."),
    "side": (ErrorCode.INVALID_SIDE, "Invalid side."),
    "timeInForce": (ErrorCode.INVALID_TIME_IN_FORCE, "Invalid timeInForce."),
    "type": (ErrorCode.INVALID_ORDER_TYPE, "Invalid orderType."),
}


def parse(parameters: Mapping[str, Value], request_type: type[_AnyRequest]) -> _AnyRequest:
    """Return the request that `parameters` make. Raises `ApiError`."""
    for name, value in parameters.items():
        if value == "":
            raise ApiError(ErrorCode.PARAM_EMPTY, f"Parameter '{name[:40]}' was empty.")
    try:
        return msgspec.convert(parameters, request_type, strict=False)
    except msgspec.ValidationError as error:
        raise _named(str(error)) from None


def _named(text: str) -> ApiError:
    """Return the error for what msgspec found, which says it in words only."""
    if found := _MISSING.search(text):
        return mandatory(found[1])
    if found := _UNKNOWN.search(text):
        return ApiError(ErrorCode.UNKNOWN_PARAM, f"Unknown parameter '{found[1][:40]}' was sent.")
    found = _AT.search(text)
    name = found[1] if found else "?"
    if name in _CODES:
        return ApiError(*_CODES[name])
    return invalid(name)

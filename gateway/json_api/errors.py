"""What goes wrong, in Binance's numbers (binance-spot-api-docs, errors.md)."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from gateway.auth import AuthFailure, Unauthorized
from vocabulary.rejects import RejectReason


class ErrorCode(IntEnum):
    """The error codes that this venue uses, by Binance's names."""

    UNKNOWN = -1000
    DISCONNECTED = -1001
    TOO_MANY_REQUESTS = -1003
    TIMEOUT = -1007
    SERVER_BUSY = -1008
    INVALID_MESSAGE = -1013
    UNKNOWN_ORDER_COMPOSITION = -1014
    TOO_MANY_ORDERS = -1015
    UNSUPPORTED_OPERATION = -1020
    INVALID_TIMESTAMP = -1021
    INVALID_SIGNATURE = -1022
    ILLEGAL_CHARS = -1100
    TOO_MANY_PARAMETERS = -1101
    MANDATORY_PARAM_EMPTY_OR_MALFORMED = -1102
    UNKNOWN_PARAM = -1103
    PARAM_EMPTY = -1105
    PARAM_NOT_REQUIRED = -1106
    INVALID_TIME_IN_FORCE = -1115
    INVALID_ORDER_TYPE = -1116
    INVALID_SIDE = -1117
    BAD_INTERVAL = -1120
    BAD_SYMBOL = -1121
    OPTIONAL_PARAMS_BAD_COMBO = -1128
    INVALID_PARAMETER = -1130
    BAD_RECV_WINDOW = -1131
    INVALID_JSON = -1135
    NEW_ORDER_REJECTED = -2010
    CANCEL_REJECTED = -2011
    NO_SUCH_ORDER = -2013
    BAD_API_KEY_FORMAT = -2014
    REJECTED_API_KEY = -2015
    NO_SUCH_LIST = -2018
    CANCEL_REPLACE_PARTIALLY_FAILED = -2021
    CANCEL_REPLACE_FAILED = -2022
    ORDER_AMEND_REJECTED = -2038


_HTTP_STATUS = {
    ErrorCode.UNKNOWN: 500,
    ErrorCode.DISCONNECTED: 503,
    ErrorCode.TOO_MANY_REQUESTS: 429,
    ErrorCode.TOO_MANY_ORDERS: 429,
    ErrorCode.TIMEOUT: 504,
    ErrorCode.SERVER_BUSY: 503,
    ErrorCode.BAD_API_KEY_FORMAT: 401,
    ErrorCode.REJECTED_API_KEY: 401,
    ErrorCode.CANCEL_REPLACE_PARTIALLY_FAILED: 409,
}


class ApiError(Exception):
    """A request that fails. What the client gets is `body`; `data` says more where it is there."""

    def __init__(self, code: ErrorCode, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self._data = data

    def body(self) -> dict[str, Any]:
        """Return `{"code": ..., "msg": ...}`, maybe with `data`, for msgspec to encode."""
        told = {"code": int(self.code), "msg": self.message}
        return told if self._data is None else told | {"data": self._data}

    @property
    def http_status(self) -> int:
        return _HTTP_STATUS.get(self.code, 400)


_FILTER = ErrorCode.INVALID_MESSAGE
_DECIMAL = r"legal range is '^[0-9]{1,20}(\.[0-9]{1,18})?$'."
_CLIENT_ORDER_ID = "legal range is '^[a-zA-Z0-9.:/_-]{1,36}$'."

REFUSALS: dict[RejectReason, tuple[ErrorCode, str]] = {
    RejectReason.MALFORMED_PRICE: (
        ErrorCode.ILLEGAL_CHARS,
        f"Illegal characters found in parameter 'price'; {_DECIMAL}",
    ),
    RejectReason.PRICE_NOT_ON_TICK: (_FILTER, "Filter failure: PRICE_FILTER"),
    RejectReason.MALFORMED_QUANTITY: (
        ErrorCode.ILLEGAL_CHARS,
        f"Illegal characters found in parameter 'quantity' or 'quoteOrderQty'; {_DECIMAL}",
    ),
    RejectReason.QUANTITY_NOT_ON_LOT: (_FILTER, "Filter failure: LOT_SIZE"),
    RejectReason.MALFORMED_CLIENT_ORDER_ID: (
        ErrorCode.ILLEGAL_CHARS,
        "Illegal characters found in parameter 'newClientOrderId'; " + _CLIENT_ORDER_ID,
    ),
    RejectReason.UNKNOWN_ACCOUNT: (
        ErrorCode.NEW_ORDER_REJECTED,
        "This account may not place or cancel orders.",
    ),
    RejectReason.ACCOUNT_SUSPENDED: (
        ErrorCode.NEW_ORDER_REJECTED,
        "This action is disabled on this account.",
    ),
    RejectReason.UNKNOWN_INSTRUMENT: (ErrorCode.BAD_SYMBOL, "Invalid symbol."),
    RejectReason.NOT_TRADING: (_FILTER, "Market is closed."),
    RejectReason.NOT_IN_AUCTION: (
        ErrorCode.UNSUPPORTED_OPERATION,
        "This order type is not supported while orders are collected for an auction.",
    ),
    RejectReason.UNSUPPORTED_ORDER: (
        ErrorCode.UNKNOWN_ORDER_COMPOSITION,
        "Unsupported order combination.",
    ),
    RejectReason.EXPIRE_TIME_OUT_OF_RANGE: (
        ErrorCode.INVALID_PARAMETER,
        "Data sent for parameter 'goodTillDate' is not valid.",
    ),
    RejectReason.PRICE_OUT_OF_RANGE: (_FILTER, "Filter failure: PRICE_FILTER"),
    RejectReason.PRICE_OUTSIDE_BAND: (_FILTER, "Filter failure: PERCENT_PRICE"),
    RejectReason.TRIGGER_PRICE_OUT_OF_RANGE: (_FILTER, "Filter failure: PRICE_FILTER"),
    RejectReason.PRICE_OFF_INCREMENT: (_FILTER, "Filter failure: PRICE_FILTER"),
    RejectReason.QUANTITY_OUT_OF_RANGE: (_FILTER, "Filter failure: LOT_SIZE"),
    RejectReason.QUANTITY_OFF_INCREMENT: (_FILTER, "Filter failure: LOT_SIZE"),
    RejectReason.NOTIONAL_TOO_SMALL: (_FILTER, "Filter failure: NOTIONAL"),
    RejectReason.NOTIONAL_TOO_LARGE: (_FILTER, "Filter failure: NOTIONAL"),
    RejectReason.TOO_MANY_WAITING_ORDERS: (_FILTER, "Filter failure: MAX_NUM_ALGO_ORDERS"),
    RejectReason.NO_LAST_TRADE: (ErrorCode.NEW_ORDER_REJECTED, "There is no last trade to trail."),
    RejectReason.WOULD_TRIGGER: (
        ErrorCode.NEW_ORDER_REJECTED,
        "Stop price would trigger immediately.",
    ),
    RejectReason.UNKNOWN_ORDER: (ErrorCode.CANCEL_REJECTED, "Unknown order sent."),
    RejectReason.NOT_REPLACEABLE: (
        ErrorCode.ORDER_AMEND_REJECTED,
        "An order that waits for its price can't be amended.",
    ),
    RejectReason.QUANTITY_NOT_ABOVE_CUMULATIVE: (
        ErrorCode.ORDER_AMEND_REJECTED,
        "The new quantity is not above what has been executed.",
    ),
    RejectReason.DISPLAY_QUANTITY_OUT_OF_RANGE: (_FILTER, "Filter failure: ICEBERG_PARTS"),
    RejectReason.DUPLICATE_CLIENT_ORDER_ID: (
        ErrorCode.NEW_ORDER_REJECTED,
        "Duplicate order sent.",
    ),
    RejectReason.TOO_MANY_OPEN_ORDERS: (_FILTER, "Filter failure: MAX_NUM_ORDERS"),
    RejectReason.INSUFFICIENT_FUNDS: (
        ErrorCode.NEW_ORDER_REJECTED,
        "Account has insufficient balance for requested action.",
    ),
    RejectReason.NO_QUANTITY_FOR_AMOUNT: (
        _FILTER,
        "Filter failure: MARKET_LOT_SIZE",  # in the book as it stands
    ),
    RejectReason.WOULD_TAKE_LIQUIDITY: (
        ErrorCode.NEW_ORDER_REJECTED,
        "Order would immediately match and take.",
    ),
}
"""Each reason for which an order, a cancel or a replace is refused; the ops desk has others."""


def refusal(reason: RejectReason) -> ApiError:
    """Return the error that tells a client of a refusal."""
    code, message = REFUSALS.get(reason, (ErrorCode.NEW_ORDER_REJECTED, reason.name))
    return ApiError(code, message)


_REJECTED_KEY = (ErrorCode.REJECTED_API_KEY, "Invalid API-key, IP, or permissions for action.")
_FAILURES: dict[AuthFailure, tuple[ErrorCode, str]] = {
    AuthFailure.WRONG_SIGNATURE: (
        ErrorCode.INVALID_SIGNATURE,
        "Signature for this request is not valid.",
    ),
    AuthFailure.OUTSIDE_RECEIVE_WINDOW: (
        ErrorCode.INVALID_TIMESTAMP,
        "Timestamp for this request is outside of the recvWindow.",
    ),
}


def unauthorized(error: Unauthorized) -> ApiError:
    """Return the error of a request that its sender may not make."""
    return ApiError(*_FAILURES.get(error.failure, _REJECTED_KEY))


def unknown_key() -> ApiError:
    return ApiError(*_REJECTED_KEY)


def invalid_symbol() -> ApiError:
    return refusal(RejectReason.UNKNOWN_INSTRUMENT)


def no_such_order() -> ApiError:
    return ApiError(ErrorCode.NO_SUCH_ORDER, "Order does not exist.")


def no_such_list() -> ApiError:
    return ApiError(ErrorCode.NO_SUCH_LIST, "Order list does not exist.")


def mandatory(name: str) -> ApiError:
    return ApiError(
        ErrorCode.MANDATORY_PARAM_EMPTY_OR_MALFORMED,
        f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.",
    )


def not_required(name: str) -> ApiError:
    return ApiError(ErrorCode.PARAM_NOT_REQUIRED, f"Parameter '{name}' sent when not required.")


def invalid(name: str) -> ApiError:
    return ApiError(ErrorCode.INVALID_PARAMETER, f"Data sent for parameter '{name}' is not valid.")


def internal_error() -> ApiError:
    return ApiError(ErrorCode.UNKNOWN, "An unknown error occurred while processing the request.")


def not_now(why: str) -> ApiError:
    """Return the error of a request that was not executed, and may be made again later."""
    return ApiError(ErrorCode.SERVER_BUSY, f"Not executed: {why}. Please try again later.")


def outcome_unknown() -> ApiError:
    """Return the error of a command whose record did not arrive in time: it may still execute."""
    return ApiError(
        ErrorCode.TIMEOUT,
        "Timeout waiting for response from backend server."
        " Send status unknown; execution status unknown.",
    )

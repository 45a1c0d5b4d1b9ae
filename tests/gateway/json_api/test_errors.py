"""Refusals and failures in Binance's numbers."""

import pytest

from gateway.auth import AuthFailure, Unauthorized
from gateway.json_api.errors import REFUSALS, ErrorCode, outcome_unknown, refusal, unauthorized
from vocabulary.rejects import PRECEDENCE, RejectReason

FIRST_OF_THE_OPS_DESK = RejectReason.UNKNOWN_ASSET

EXPECTED = {
    RejectReason.MALFORMED_PRICE: (-1100, "'price'"),
    RejectReason.PRICE_NOT_ON_TICK: (-1013, "Filter failure: PRICE_FILTER"),
    RejectReason.MALFORMED_QUANTITY: (-1100, "'quantity'"),
    RejectReason.QUANTITY_NOT_ON_LOT: (-1013, "Filter failure: LOT_SIZE"),
    RejectReason.MALFORMED_CLIENT_ORDER_ID: (-1100, "'newClientOrderId'"),
    RejectReason.UNKNOWN_ACCOUNT: (-2010, "may not place or cancel"),
    RejectReason.ACCOUNT_SUSPENDED: (-2010, "disabled on this account"),
    RejectReason.UNKNOWN_INSTRUMENT: (-1121, "Invalid symbol."),
    RejectReason.NOT_TRADING: (-1013, "Market is closed."),
    RejectReason.NOT_IN_AUCTION: (-1020, "for an auction"),
    RejectReason.UNSUPPORTED_ORDER: (-1014, "Unsupported order combination."),
    RejectReason.EXPIRE_TIME_OUT_OF_RANGE: (-1130, "'goodTillDate'"),
    RejectReason.PRICE_OUT_OF_RANGE: (-1013, "Filter failure: PRICE_FILTER"),
    RejectReason.PRICE_OUTSIDE_BAND: (-1013, "Filter failure: PERCENT_PRICE"),
    RejectReason.TRIGGER_PRICE_OUT_OF_RANGE: (-1013, "PRICE_FILTER"),
    RejectReason.PRICE_OFF_INCREMENT: (-1013, "PRICE_FILTER"),
    RejectReason.QUANTITY_OUT_OF_RANGE: (-1013, "Filter failure: LOT_SIZE"),
    RejectReason.QUANTITY_OFF_INCREMENT: (-1013, "LOT_SIZE"),
    RejectReason.NOTIONAL_TOO_SMALL: (-1013, "Filter failure: NOTIONAL"),
    RejectReason.NOTIONAL_TOO_LARGE: (-1013, "Filter failure: NOTIONAL"),
    RejectReason.TOO_MANY_WAITING_ORDERS: (-1013, "MAX_NUM_ALGO_ORDERS"),
    RejectReason.NO_LAST_TRADE: (-2010, "no last trade"),
    RejectReason.WOULD_TRIGGER: (-2010, "trigger immediately"),
    RejectReason.UNKNOWN_ORDER: (-2011, "Unknown order sent."),
    RejectReason.NOT_REPLACEABLE: (-2038, "amended"),
    RejectReason.QUANTITY_NOT_ABOVE_CUMULATIVE: (-2038, "executed"),
    RejectReason.DISPLAY_QUANTITY_OUT_OF_RANGE: (-1013, "ICEBERG_PARTS"),
    RejectReason.DUPLICATE_CLIENT_ORDER_ID: (-2010, "Duplicate order sent."),
    RejectReason.TOO_MANY_OPEN_ORDERS: (-1013, "Filter failure: MAX_NUM_ORDERS"),
    RejectReason.INSUFFICIENT_FUNDS: (-2010, "insufficient balance"),
    RejectReason.NO_QUANTITY_FOR_AMOUNT: (-1013, "MARKET_LOT_SIZE"),
    RejectReason.WOULD_TAKE_LIQUIDITY: (-2010, "immediately match and take"),
}


def test_every_reason_to_refuse_an_order_has_its_number() -> None:
    reasons = list(RejectReason)[: PRECEDENCE[FIRST_OF_THE_OPS_DESK]]
    assert list(REFUSALS) == reasons
    assert list(EXPECTED) == reasons


@pytest.mark.parametrize("reason", EXPECTED, ids=lambda reason: reason.name)
def test_a_refusal_says_what_binance_would(reason: RejectReason) -> None:
    error = refusal(reason)
    code, words = EXPECTED[reason]
    assert error.code == code
    assert words in error.message
    assert error.http_status == 400


@pytest.mark.parametrize(
    ("failure", "code", "status"),
    [
        (AuthFailure.UNKNOWN_KEY, ErrorCode.REJECTED_API_KEY, 401),
        (AuthFailure.NOT_PERMITTED, ErrorCode.REJECTED_API_KEY, 401),
        (AuthFailure.WRONG_SIGNATURE, ErrorCode.INVALID_SIGNATURE, 400),
        (AuthFailure.OUTSIDE_RECEIVE_WINDOW, ErrorCode.INVALID_TIMESTAMP, 400),
    ],
)
def test_who_may_not_ask_learns_why(failure: AuthFailure, code: ErrorCode, status: int) -> None:
    error = unauthorized(Unauthorized(failure, "a secret detail"))
    assert (error.code, error.http_status) == (code, status)
    assert "secret" not in error.message


def test_a_late_record_means_unknown_and_never_rejected() -> None:
    error = outcome_unknown()
    assert (error.code, error.http_status) == (-1007, 504)
    assert "execution status unknown" in error.message

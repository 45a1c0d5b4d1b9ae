"""What is listed, as our venue says it and as Binance documents it beside."""

from typing import Any

import msgspec
import pytest

from gateway.json_api.exchange_info import exchange_info
from tests.trading.feeds.samples import RECEIVED_NS, btcusdt
from trading.feeds.exchange_info import decode_exchange_info
from trading.feeds.rejects import RejectedError, RejectReason
from vocabulary.types import TradingPhase


def listing() -> Any:
    return exchange_info([(btcusdt(), TradingPhase.TRADING)], RECEIVED_NS, 1000)


def decode(info: Any) -> Any:
    return decode_exchange_info(msgspec.json.encode(info))


def test_our_venues_is_read_exactly() -> None:
    instrument = decode(listing()).instrument("BTCUSDT")
    assert (instrument.tick, instrument.lot) == (btcusdt().tick, btcusdt().lot)
    assert (instrument.base.name, instrument.quote.name) == ("BTC", "USDT")


def test_what_binance_documents_beside_is_taken() -> None:
    info = listing()
    info["sors"] = [{"baseAsset": "BTC", "symbols": ["BTCUSDT"]}]
    info["exchangeFilters"] = [{"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": 1000}]
    info["symbols"][0] |= {"opoAllowed": False, "pegInstructionsAllowed": True}
    info["symbols"][0]["filters"] += [
        {"filterType": "ICEBERG_PARTS", "limit": 10},
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": "5",
            "bidMultiplierDown": "0.2",
            "askMultiplierUp": "5",
            "askMultiplierDown": "0.2",
            "avgPriceMins": 5,
        },
    ]
    assert decode(info).instrument("BTCUSDT").symbol == "BTCUSDT"


def malformed(change: str) -> Any:
    info = listing()
    match change:
        case "field":
            info["symbols"][0]["new"] = 1
        case "filter":
            info["symbols"][0]["filters"].append({"filterType": "NEW"})
        case "type":
            info["symbols"][0]["baseAssetPrecision"] = "8"
        case "missing":
            del info["symbols"][0]["status"]
    return msgspec.json.encode(info)


@pytest.mark.parametrize("change", ["field", "filter", "type", "missing"])
def test_what_is_not_of_the_schema_is_refused(change: str) -> None:
    with pytest.raises(RejectedError) as refused:
        decode_exchange_info(malformed(change))
    assert refused.value.reason is RejectReason.MALFORMED


def test_a_repeated_field_is_refused() -> None:
    data = msgspec.json.encode(listing()).replace(b'"status":', b'"status":"HALT","status":')
    with pytest.raises(RejectedError, match="repeated"):
        decode_exchange_info(data)


@pytest.mark.parametrize("tick_size", ["0", "0.015x", "-1", "0.0000000000000000001"])
def test_sizes_that_make_no_ticks_are_refused(tick_size: str) -> None:
    info = listing()
    info["symbols"][0]["filters"][0]["tickSize"] = tick_size
    with pytest.raises(RejectedError) as refused:
        decode(info).instrument("BTCUSDT")
    assert refused.value.reason is RejectReason.INCONSISTENT


def test_a_symbol_that_is_not_listed_once_is_refused() -> None:
    info = listing()
    info["symbols"] *= 2
    for name in ("BTCUSDT", "ETHUSDT"):
        with pytest.raises(RejectedError) as refused:
            decode(info).instrument(name)
        assert refused.value.reason is RejectReason.UNKNOWN_SYMBOL

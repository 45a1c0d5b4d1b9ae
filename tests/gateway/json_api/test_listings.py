"""What is listed, and an account's state."""

from gateway.json_api.account_replies import Balance, account_position, account_status
from gateway.json_api.exchange_info import exchange_info
from tests.gateway.engine_room import BTCUSDT, EngineRoom
from vocabulary.instrument import Asset
from vocabulary.limits import Limits
from vocabulary.types import TradingPhase

BTC, USDT = Asset(1, "BTC", 8), Asset(2, "USDT", 6)


def test_an_instrument_is_told_with_its_filters() -> None:
    instrument = EngineRoom().catalogue.instruments[BTCUSDT]
    told = exchange_info([(instrument, TradingPhase.TRADING)], 1_700_000_000_123_456_789, 50)
    assert told["serverTime"] == 1_700_000_000_123
    assert told["rateLimits"][0]["limit"] == 50
    (symbol,) = told["symbols"]
    assert (symbol["symbol"], symbol["status"]) == ("BTCUSDT", "TRADING")
    assert (symbol["baseAsset"], symbol["quoteAsset"]) == ("BTC", "USDT")
    assert symbol["orderTypes"] == [
        "LIMIT",
        "LIMIT_MAKER",
        "MARKET",
        "STOP_LOSS",
        "STOP_LOSS_LIMIT",
        "TAKE_PROFIT",
        "TAKE_PROFIT_LIMIT",
    ]
    assert symbol["filters"] == [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": "0.01",
            "maxPrice": "10995116277.76",
            "tickSize": "0.01",
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": "0.00001",
            "maxQty": "2814749767.10656",
            "stepSize": "0.00001",
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": "0.00001",
            "maxQty": "2814749767.10656",
            "stepSize": "0.00001",
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": "5.00000000",
            "applyMinToMarket": False,
            "maxNotional": "92233720368.54775807",
            "applyMaxToMarket": False,
            "avgPriceMins": 0,
        },
        {"filterType": "ICEBERG_PARTS", "limit": 100},
    ]


def test_an_instrument_s_limits_are_filters() -> None:
    instrument = EngineRoom().catalogue.instruments[BTCUSDT]
    limits = Limits(10, 200_000, 0, 10**12, 7, 150_000, 50_000)
    limited = instrument._replace(limits=limits)
    (symbol,) = exchange_info([(limited, TradingPhase.TRADING)], 0, 1)["symbols"]
    told = {each["filterType"]: each for each in symbol["filters"]}
    assert (told["LOT_SIZE"]["minQty"], told["LOT_SIZE"]["maxQty"]) == ("0.00010", "2.00000")
    assert told["NOTIONAL"]["maxNotional"] == "10000.00000000"
    assert told["PERCENT_PRICE"] == {
        "filterType": "PERCENT_PRICE",
        "multiplierUp": "1.150000",
        "multiplierDown": "0.850000",
        "avgPriceMins": 0,
    }
    assert told["MAX_NUM_ORDERS"] == {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 7}


def test_a_halted_instrument_says_so() -> None:
    instrument = EngineRoom().catalogue.instruments[BTCUSDT]
    (symbol,) = exchange_info([(instrument, TradingPhase.HALTED)], 0, 1)["symbols"]
    assert symbol["status"] == "HALT"


def test_balances_are_told_to_the_last_unit() -> None:
    balances = [Balance(BTC, 1, 123_456_789), Balance(USDT, 0, 0)]
    permissions = frozenset({"read"})
    told = account_status(7, balances, (1_000, 2_500), permissions, 5, omit_zero_balances=False)
    assert told["balances"] == [
        {"asset": "BTC", "free": "0.00000001", "locked": "1.23456789"},
        {"asset": "USDT", "free": "0.000000", "locked": "0.000000"},
    ]
    assert told["commissionRates"]["maker"] == "0.00100000"
    assert told["commissionRates"]["taker"] == "0.00250000"
    assert (told["canTrade"], told["accountType"]) == (False, "SPOT")
    assert (told["updateTime"], told["uid"]) == (5, 7)
    told = account_status(7, balances, (0, 0), permissions, 5, omit_zero_balances=True)
    assert [each["asset"] for each in told["balances"]] == ["BTC"]


def test_a_position_names_what_changed_even_if_nothing_is_left() -> None:
    assert account_position([Balance(USDT, 0, 5)], 9) == {
        "e": "outboundAccountPosition",
        "E": 9,
        "u": 9,
        "B": [{"a": "USDT", "f": "0.000000", "l": "0.000005"}],
    }

"""Nothing malformed passes, nothing valid is refused: a second reading of the rules agrees."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from gateway.json_api.user_events import server_shutdown
from gateway.maintenance import Maintenance
from tests.fuzz.mutation import mutate
from tests.trading.feeds.samples import (
    DEPTH,
    DEPTH_OF_BINANCE,
    SNAPSHOT,
    STREAM,
    TRADE,
    TRADE_OF_BINANCE,
)
from trading.feeds import schema
from trading.feeds.rejects import RejectedError, RejectReason

MUTATIONS = 10_000


def is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63


def is_milliseconds(value: Any) -> bool:
    return is_count(value) and value <= (2**63 - 1) // 1_000_000


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def are_levels(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= 10_000
        and all(
            isinstance(level, list) and len(level) == 2 and all(map(is_text, level))
            for level in value
        )
    )


Rules = dict[str, Callable[[Any], bool]]
DEPTH_RULES: Rules = {
    "e": is_text,
    "E": is_milliseconds,
    "s": is_text,
    "U": is_count,
    "u": is_count,
    "b": are_levels,
    "a": are_levels,
}
DEPTH_MORE: Rules = {"pu": is_count, "T": is_milliseconds}
TRADE_RULES: Rules = {
    "e": is_text,
    "E": is_milliseconds,
    "s": is_text,
    "t": is_count,
    "p": is_text,
    "q": is_text,
    "T": is_milliseconds,
    "m": is_flag,
    "M": is_flag,
}
TRADE_MORE: Rules = {"b": is_count, "a": is_count}
STATUS_RULES: Rules = {
    "e": is_text,
    "E": is_milliseconds,
    "s": is_text,
    "u": is_count,
    **dict.fromkeys(("S", "p", "q", "B", "A"), is_text),
}
SNAPSHOT_RULES: Rules = {"lastUpdateId": is_count, "bids": are_levels, "asks": are_levels}


class RepeatedError(Exception):
    pass


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise RepeatedError
    return dict(pairs)


def read(data: bytes) -> Any:
    """Return the JSON, or None."""
    try:
        text = data.decode()
        text.encode()  # no half of a surrogate pair
        found = json.loads(text, object_pairs_hook=unique, parse_constant=lambda _: 1 / 0)
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RepeatedError, ZeroDivisionError, RecursionError):
        return None
    return found


def obeys(message: Any, rules: Rules, more: Rules) -> bool:
    return (
        isinstance(message, dict)
        and rules.keys() <= message.keys() <= (rules | more).keys()
        and all((rules | more)[name](value) for name, value in message.items())
    )


def is_valid_stream(data: bytes) -> bool:
    combined = read(data)
    if not (isinstance(combined, dict) and combined.keys() == {"stream", "data"}):
        return False
    name, message = combined["stream"], combined["data"]
    if not is_text(name) or not isinstance(message, dict):
        return False
    if message.get("e") == "depthUpdate":
        endings, fits = ["depth", "depth@100ms", "depth@1000ms"], (DEPTH_RULES, DEPTH_MORE)
    elif message.get("e") == "trade":
        endings, fits = ["trade"], (TRADE_RULES, TRADE_MORE)
    elif message.get("e") == "status":
        endings, fits = ["status"], (STATUS_RULES, {})
    else:
        return False
    return obeys(message, *fits) and name in [f"{message['s'].lower()}@{end}" for end in endings]


def passes(decode: Callable[[bytes], object], data: bytes) -> bool:
    try:
        decode(data)
    except RejectedError:
        return False
    return True


@pytest.mark.parametrize("seed", range(3))
def test_mutated_stream_messages_pass_if_and_only_if_they_obey_the_rules(seed: int) -> None:
    chance = Random(seed)
    passed = 0
    for _ in range(MUTATIONS):
        data = mutate(chance, STREAM)
        if b":" in data and _has_colon_in_text(data):
            continue  # no name or decimal has one; such a message is refused, by its symbol at last
        is_passed = passes(schema.decode_stream, data)
        assert is_passed == is_valid_stream(data), data
        passed += is_passed
    assert passed > MUTATIONS / 200, "the mutations leave some valid"


def test_mutated_snapshots_pass_if_and_only_if_they_obey_the_rules() -> None:
    chance = Random(4)
    for _ in range(MUTATIONS):
        data = mutate(chance, [SNAPSHOT])
        if _has_colon_in_text(data):
            continue
        expected = obeys(read(data), SNAPSHOT_RULES, {})
        assert passes(schema.decode_depth_snapshot, data) == expected, data


def _has_colon_in_text(data: bytes) -> bool:
    found = read(data)
    return found is not None and ":" in json.dumps(found, separators=(",", "=")).replace('"=', "")


@pytest.mark.parametrize(
    "data",
    [
        DEPTH.replace(b'"U":83', b'"U":"83"'),
        DEPTH.replace(b'"U":83', b'"U":83.0'),
        DEPTH.replace(b'"U":83', b'"U":-83'),
        DEPTH.replace(b'"U":83', b'"U":9223372036854775808'),
        DEPTH.replace(b'"pu":82', b'"pu":null'),
        DEPTH.replace(b'"u":84', b'"u":84,"u":84'),
        DEPTH.replace(b'"u":84', b'"u":84,"x":1'),
        DEPTH.replace(b'"0.19100"', b"0.19100"),
        DEPTH.replace(b'"0.19100"', b'"0.19100","0"'),
        TRADE.replace(b'"m":true', b'"m":1'),
        TRADE.replace(b'"e":"trade"', b'"e":"aggTrade"'),
        TRADE.replace(b'"e":"trade",', b""),
        TRADE + b"x",
        TRADE[:-1],
        b"",
        b"[" * 100_000,
    ],
)
def test_what_is_not_of_the_schema_is_refused(data: bytes) -> None:
    with pytest.raises(RejectedError) as refused:
        schema.decode_stream(data)
    assert refused.value.reason is RejectReason.MALFORMED


def test_our_venue_s_word_of_its_maintenance_is_of_the_schema() -> None:
    told = server_shutdown(Maintenance(60_000_000_000, "from 12:00"), 1_000_000)
    assert schema.decode_stream(told) == schema.ServerShutdown(1, 60_000, "from 12:00")
    for wrong in (told[:-1], told.replace(b'"T":60000', b'"T":"60000"')):
        with pytest.raises(RejectedError):
            schema.decode_stream(wrong)


@pytest.mark.parametrize(
    "data",
    [
        DEPTH.replace(b"btcusdt@depth@100ms", b"ethusdt@depth@100ms"),
        DEPTH.replace(b"btcusdt@depth@100ms", b"btcusdt@trade"),
        TRADE.replace(b"btcusdt@trade", b"btcusdt@depth"),
    ],
)
def test_a_message_on_the_wrong_stream_is_refused(data: bytes) -> None:
    with pytest.raises(RejectedError) as refused:
        schema.decode_stream(data)
    assert refused.value.reason is RejectReason.INCONSISTENT


@pytest.mark.parametrize(
    ("data", "previous"),
    [(DEPTH, 82), (DEPTH_OF_BINANCE, 82), (DEPTH.replace(b'"pu":82', b'"pu":70'), 70)],
)
def test_an_update_says_what_it_goes_on_from(data: bytes, previous: int) -> None:
    message = schema.decode_stream(data)
    assert isinstance(message, schema.DepthUpdate)
    assert message.previous() == previous


@pytest.mark.parametrize(
    "change", [(b'"pu":82', b'"pu":83'), (b'"u":84', b'"u":82'), (b'"U":83', b'"U":0')]
)
def test_an_update_that_goes_on_from_nowhere_is_refused(change: tuple[bytes, bytes]) -> None:
    message = schema.decode_stream(DEPTH.replace(*change))
    assert isinstance(message, schema.DepthUpdate)
    with pytest.raises(RejectedError):
        message.previous()


def test_golden_messages() -> None:
    assert schema.decode_stream(DEPTH) == schema.DepthUpdate(
        event_time_ms=1795347868967,
        symbol="BTCUSDT",
        first_update_id=83,
        final_update_id=84,
        bids=[("100.03", "0.19100"), ("99.87", "0.00000")],
        asks=[("100.37", "0.00800")],
        previous_update_id=82,
    )
    trade = schema.decode_stream(TRADE_OF_BINANCE)
    assert isinstance(trade, schema.Trade)
    assert (trade.trade_id, trade.price, trade.quantity) == (25, "100.02", "0.16200")
    assert (trade.trade_time_ms, trade.buyer_is_maker) == (1795347868960, True)
    assert schema.decode_depth_snapshot(SNAPSHOT).asks == [
        ("100.37", "0.00800"),
        ("100.40", "0.10000"),
    ]

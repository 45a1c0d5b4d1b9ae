"""What an account's owner hears of its orders."""

import json
from typing import Any

import pytest

from gateway.json_api.user_events import subscription_event
from gateway.json_api.user_streams import UserStreams
from gateway.orders import Report
from tests.gateway.engine_room import ALICE, BOB, BTC, OPS_SESSION, USDT, EngineRoom
from vocabulary import commands as c
from vocabulary.types import Contingency, OrderFlags, OrderType, Side, TimeInForce

TIME_MS = 1_700_000_000_123


class Ears:
    """Hears what Alice's listener is told."""

    def __init__(self, room: EngineRoom) -> None:
        self.room = room
        self.streams = UserStreams()
        self.heard: list[dict[str, Any]] = []
        self.streams.subscribe(ALICE, self.listen)

    def listen(self, event: bytes) -> None:
        self.heard.append(json.loads(event))

    def tell(self, reports: list[Report]) -> list[dict[str, Any]]:
        self.heard.clear()
        self.streams.on_record(self.room.records[-1], reports)
        return list(self.heard)


@pytest.fixture
def ears() -> Ears:
    return Ears(EngineRoom())


def test_an_order_and_its_trade_are_told(ears: Ears) -> None:
    room = ears.room
    room.enter(b"ask", Side.SELL, "0.1", "99.50", account_id=BOB)
    new, trade = ears.tell(room.enter(b"mine", Side.BUY, "0.2", "100.00"))
    order_id = room.records[-1].sequence
    assert (new["x"], new["X"], new["z"], new["t"]) == ("NEW", "NEW", "0.00000", -1)
    assert trade == {
        "e": "executionReport",
        "E": TIME_MS,
        "s": "BTCUSDT",
        "c": "mine",
        "S": "BUY",
        "o": "LIMIT",
        "f": "GTC",
        "q": "0.20000",
        "p": "100.00",
        "P": "0.00",
        "F": "0.00000",
        "g": -1,
        "C": "",
        "x": "TRADE",
        "X": "PARTIALLY_FILLED",
        "r": "NONE",
        "i": order_id,
        "l": "0.10000",
        "z": "0.10000",
        "L": "99.50",
        "n": "0.00020000",
        "N": "BTC",
        "T": TIME_MS,
        "t": 1,
        "I": f"{order_id}-1-1-1",
        "w": True,
        "m": False,
        "M": False,
        "O": TIME_MS,
        "Z": "9.95000000",
        "Y": "9.95000000",
        "Q": "0.00000000",
        "W": TIME_MS,
        "V": "NONE",
    }
    assert ears.streams.touched == {ALICE: {BTC, USDT}}


def test_a_cancel_tells_both_names_and_a_late_fill_comes_as_maker(ears: Ears) -> None:
    room = ears.room
    ears.tell(room.enter(b"mine", Side.BUY, "0.2", "100.00"))
    (trade,) = ears.tell(room.enter(b"hit", Side.SELL, "0.1", "100.00", account_id=BOB))
    assert (trade["x"], trade["m"], trade["n"]) == ("TRADE", True, "0.00010000")
    cancel = room.order_entry.cancel_order(
        11, 99, ALICE, symbol="BTCUSDT", original_client_order_id=b"mine", client_order_id=b"away"
    )
    (canceled,) = ears.tell(room.apply(cancel))
    assert (canceled["x"], canceled["X"]) == ("CANCELED", "CANCELED")
    assert (canceled["c"], canceled["C"], canceled["z"]) == ("away", "mine", "0.10000")


def test_an_order_that_may_not_rest_expires(ears: Ears) -> None:
    reports = ears.room.enter(
        b"x", Side.BUY, "0.1", "90.00", time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL
    )
    assert [(each["x"], each["X"]) for each in ears.tell(reports)] == [
        ("NEW", "NEW"),
        ("EXPIRED", "EXPIRED"),
    ]


def test_a_refusal_is_no_event(ears: Ears) -> None:
    assert ears.tell(ears.room.enter(b"x", Side.BUY, "99999", "100.00")) == []
    assert not ears.streams.touched


def test_others_orders_are_none_of_ones_business(ears: Ears) -> None:
    assert ears.tell(ears.room.enter(b"x", Side.BUY, "0.1", "100.00", account_id=BOB)) == []
    ears.streams.unsubscribe(ALICE, ears.listen)
    assert ears.tell(ears.room.enter(b"x", Side.BUY, "0.1", "100.00")) == []
    assert ears.streams.listener_count == 0


def test_a_credit_touches_its_asset(ears: Ears) -> None:
    reports = ears.room.apply(c.CreditFunds(OPS_SESSION, 99, ALICE, USDT, 5))
    assert ears.tell(reports) == []
    assert ears.streams.touched == {ALICE: {USDT}}


def test_an_event_names_its_subscription() -> None:
    assert subscription_event(3, b'{"e":"x"}') == b'{"subscriptionId":3,"event":{"e":"x"}}'


def test_a_list_is_told_as_it_starts_and_once_all_of_it_is_done(ears: Ears) -> None:
    entry = ears.room.order_entry
    terms = {"symbol": "BTCUSDT", "side": Side.SELL, "quantity": "0.1"}
    gain, stop = (
        entry.enter_order(1, 1, ALICE, **terms, **others)  # type: ignore[arg-type]
        for others in (
            {
                "order_type": OrderType.LIMIT,
                "price": "1100",
                "flags": OrderFlags.POST_ONLY,
                "client_order_id": b"gain",
            },
            {
                "order_type": OrderType.STOP,
                "price": None,
                "trigger_price": "900",
                "client_order_id": b"stop",
            },
        )
    )
    command = entry.order_list(Contingency.ONE_CANCELS_OTHER, b"pair", gain, stop)
    *_, status = ears.tell(ears.room.apply(command))
    assert (status["e"], status["c"], status["C"]) == ("listStatus", "OCO", "pair")
    assert (status["l"], status["L"]) == ("EXEC_STARTED", "EXECUTING")
    assert [order["c"] for order in status["O"]] == ["gain", "stop"]

    traded, expired = ears.tell(ears.room.enter(b"b1", Side.BUY, "0.04", "1100", account_id=BOB))
    assert (traded["X"], traded["g"]) == ("PARTIALLY_FILLED", status["g"])
    assert (expired["c"], expired["x"]) == ("stop", "EXPIRED")
    filled, done = ears.tell(ears.room.enter(b"b2", Side.BUY, "0.06", "1100", account_id=BOB))
    assert (filled["X"], done["e"], done["L"]) == ("FILLED", "listStatus", "ALL_DONE")


def test_a_list_of_three_is_told_likewise(ears: Ears) -> None:
    entry = ears.room.order_entry
    sells = {"symbol": "BTCUSDT", "side": Side.SELL, "quantity": "0.1"}
    buys = sells | {"side": Side.BUY, "price": "1000", "order_type": OrderType.LIMIT}
    gains = sells | {"price": "1100", "order_type": OrderType.LIMIT, "flags": OrderFlags.POST_ONLY}
    stops = sells | {"price": None, "order_type": OrderType.STOP, "trigger_price": "900"}
    orders = [
        entry.enter_order(1, 1, ALICE, client_order_id=name, **terms)  # type: ignore[arg-type]
        for name, terms in ((b"buy", buys), (b"gain", gains), (b"stop", stops))
    ]
    command = entry.order_list(Contingency.ONE_TRIGGERS_OTHER, b"three", *orders)
    *_, status = ears.tell(ears.room.apply(command))
    assert (status["e"], status["c"], status["L"]) == ("listStatus", "OTO", "EXECUTING")
    assert [order["c"] for order in status["O"]] == ["buy", "gain", "stop"]
    told = ears.tell(ears.room.enter(b"b1", Side.SELL, "0.1", "1000", account_id=BOB))
    assert [(each["c"], each["X"]) for each in told] == [
        ("buy", "FILLED"),
        ("stop", "NEW"),
        ("gain", "NEW"),
    ]
    *_, done = ears.tell(ears.room.enter(b"b2", Side.BUY, "0.1", "1100", account_id=BOB))
    assert (done["e"], done["g"], done["L"]) == ("listStatus", status["g"], "ALL_DONE")

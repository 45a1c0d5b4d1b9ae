"""Busts and corrections as both sides are told: FIX 4.4 vol. 4, appendix D, and the JSON API."""

from typing import Any

import pytest

from gateway import order_table
from gateway.fix.dictionary import fix44
from gateway.fix_application import orders as fix_orders
from gateway.json_api import requests as r
from gateway.json_api.order_queries import my_trades
from gateway.json_api.order_replies import order_reply
from gateway.json_api.user_events import execution_report
from gateway.orders import Report
from tests.gateway.engine_room import ALICE, ALICE_SESSION, BOB, EngineRoom
from tests.gateway.fix_messages import REPLACE, fields_of, message, message_of
from vocabulary import commands as c
from vocabulary.types import Side

STATE = (150, 39, 38, 14, 151, 6)


@pytest.fixture
def room() -> EngineRoom:
    return EngineRoom()


def told(room: EngineRoom, report: Report) -> dict[int, str]:
    """Return the fields of a report's message, which our own dictionary must find valid."""
    msg_type, body = message_of(report, room.catalogue)
    text = body.decode().replace("\x01", "|").rstrip("|")
    assert fix44().validate(message(msg_type, text)) is None, text
    return fields_of(body)


def state(room: EngineRoom, report: Report) -> list[str]:
    return [told(room, report)[tag] for tag in STATE]


def test_a_bust_names_the_trade_s_report_on_both_sides(room: EngineRoom) -> None:
    room.enter(b"a1", Side.BUY, "0.5", "50000")
    _, alice, bob = room.enter(b"b1", Side.SELL, "0.2", "50000", account_id=BOB)
    made = [told(room, report) for report in (alice, bob)]
    busted = [told(room, report) for report in room.amend(1)]
    sequence = room.records[-1].sequence
    assert [fields[19] for fields in busted] == [fields[17] for fields in made]
    assert [fields[17] for fields in busted] == [f"{sequence}-0", f"{sequence}-1"]
    assert [fields[11] for fields in busted] == ["a1", "b1"]
    facts = (527, 31, 32, 851, 137, 138)
    assert [[fields[tag] for tag in facts] for fields in busted] == [
        [fields[tag] for tag in facts] for fields in made
    ]


def test_an_open_order_goes_on_with_what_is_left(room: EngineRoom) -> None:
    room.enter(b"a1", Side.BUY, "0.5", "50000")
    room.enter(b"b1", Side.SELL, "0.2", "50000", account_id=BOB)
    room.enter(b"b2", Side.SELL, "0.1", "50000", account_id=BOB)
    first, *_ = room.amend(1)
    assert state(room, first) == ["H", "1", "0.30000", "0.10000", "0.20000", "50000"]
    second, *_ = room.amend(2)
    assert state(room, second) == ["H", "0", "0.20000", "0.00000", "0.20000", "0"]
    _, full, _ = room.enter(b"b3", Side.SELL, "0.2", "50000", account_id=BOB)
    assert state(room, full) == ["F", "2", "0.20000", "0.20000", "0.00000", "50000"]


def test_a_filled_order_is_canceled_as_far_as_its_trades_are(room: EngineRoom) -> None:
    room.enter(b"a1", Side.BUY, "0.2", "50000")
    room.enter(b"a2", Side.BUY, "0.3", "49000")
    room.enter(b"b1", Side.SELL, "0.5", "49000", account_id=BOB)
    _, seller = room.amend(1)
    assert state(room, seller) == ["H", "4", "0.50000", "0.30000", "0.00000", "49000"]
    assert seller.order is not None
    assert order_reply(seller.order).status == "CANCELED"
    _, seller = room.amend(2)
    assert state(room, seller) == ["H", "4", "0.50000", "0.00000", "0.00000", "0"]


def test_a_canceled_order_stays_one(room: EngineRoom) -> None:
    room.enter(b"a1", Side.BUY, "0.5", "50000")
    room.enter(b"b1", Side.SELL, "0.2", "50000", account_id=BOB)
    room.apply(c.CancelOrder(ALICE_SESSION, 99, ALICE, 1, 0, b"x1", b"a1"))
    buyer, _ = room.amend(1)
    assert state(room, buyer) == ["H", "4", "0.50000", "0.00000", "0.00000", "0"]


def test_a_correction_says_what_holds_now_and_names_the_first_report(room: EngineRoom) -> None:
    room.enter(b"a1", Side.BUY, "0.2", "50000")
    room.enter(b"a2", Side.BUY, "0.1", "49000")
    _, made, *_ = room.enter(b"b1", Side.SELL, "0.3", "49000", account_id=BOB)
    buyer, seller = room.amend(1, "49700.01", "0.2")
    fields = told(room, buyer)
    assert (fields[19], fields[31], fields[32]) == (told(room, made)[17], "49700.01", "0.20000")
    assert state(room, buyer) == ["G", "2", "0.20000", "0.20000", "0.00000", "49700.01"]
    # (0.2 x 49,700.01 + 0.1 x 49,000) / 0.3, exactly
    assert state(room, seller)[-1].startswith("49466.673333")
    again, seller = room.amend(1, "49700.01", "0.1")
    assert told(room, again)[19] == told(room, made)[17]
    assert state(room, seller) == ["G", "4", "0.30000", "0.20000", "0.00000", "49350.005"]
    busted, _ = room.amend(1)
    assert (told(room, busted)[32], state(room, busted)[3]) == ("0.10000", "0.00000")


def test_a_replace_counts_what_was_undone_as_the_client_does(room: EngineRoom) -> None:
    room.enter(b"a1", Side.BUY, "0.5", "50000")
    room.enter(b"b1", Side.SELL, "0.2", "50000", account_id=BOB)
    room.amend(1)
    request = message("G", REPLACE.replace("38=0.6", "38=0.3").replace("50001", "50000"))
    command = fix_orders.command(request, room.order_entry, ALICE_SESSION, 99, ALICE)
    assert isinstance(command, c.ReplaceOrder)
    [replaced] = room.apply(fix_orders.counting_undone(command, room.orders))
    assert state(room, replaced)[1:5] == ["0", "0.30000", "0.00000", "0.30000"]


def test_an_order_that_is_forgotten_has_no_report(
    room: EngineRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_table, "CLOSED_ORDERS_MAX", 1)
    for name in (b"a1", b"a2"):
        room.enter(name, Side.BUY, "0.2", "50000")
        room.enter(b"b" + name, Side.SELL, "0.2", "50000", account_id=BOB)
    assert room.amend(1) == []
    assert [fill.is_busted for fill in room.orders.fills(ALICE)] == [True, False]


def test_the_user_data_stream_tells_of_both(room: EngineRoom) -> None:
    room.enter(b"a1", Side.BUY, "0.5", "50000")
    _, made, _ = room.enter(b"b1", Side.SELL, "0.2", "50000", account_id=BOB)
    corrected, _ = room.amend(1, "49000", "0.1")
    event = event_of(corrected)
    shown = {key: event[key] for key in ("x", "X", "q", "z", "l", "L", "Z", "t", "m", "n")}
    assert shown == {
        "x": "TRADE_CORRECT",
        "X": "PARTIALLY_FILLED",
        "q": "0.50000",
        "z": "0.10000",
        "l": "0.10000",
        "L": "49000.00",
        "Z": "4900.00000000",
        "t": 1,
        "m": True,
        "n": "0.00010000",
    }
    assert event["Ir"] == event_of(made)["I"]
    busted, _ = room.amend(1)
    event = event_of(busted)
    assert (event["x"], event["X"], event["z"]) == ("TRADE_CANCEL", "NEW", "0.00000")


def test_trades_are_marked(room: EngineRoom) -> None:
    room.enter(b"a1", Side.BUY, "0.5", "50000")
    for number in range(3):
        room.enter(b"b%d" % number, Side.SELL, "0.1", "50000", account_id=BOB)
    query = r.MyTrades(timestamp=0, symbol="BTCUSDT")
    before = my_trades(room.orders, ALICE, query)
    room.amend(1)
    room.amend(2, "49000", "0.1")
    busted, corrected, untouched = my_trades(room.orders, ALICE, query)
    assert (busted.amendment, busted.price, busted.time) == ("BUSTED", "50000.00", before[0].time)
    assert (corrected.amendment, corrected.price) == ("CORRECTED", "49000.00")
    assert (corrected.is_maker, corrected.time) == (True, before[1].time)
    assert untouched == before[2]


def event_of(report: Report) -> dict[str, Any]:
    assert report.order is not None
    return execution_report(report, report.order)

"""Plain requests: the same command as the general way makes of them, or none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fix.codec import FixMessage
from gateway.fix.dictionary import fix44
from gateway.fix_application import orders as fix_orders
from gateway.fix_application.plain_orders import PlainOrders
from tests.gateway.engine_room import ALICE, BTC, BTCUSDT, USDT, EngineRoom
from tests.gateway.fix_messages import CANCEL, ORDER, REPLACE, message
from vocabulary import commands as c
from vocabulary.codec import pack
from vocabulary.rejects import Refused
from vocabulary.types import TradingPhase

ROOM = EngineRoom()
# tick 0.05, lot 0.00001
ROOM.apply(c.ListInstrument(90, 80, 2, BTC, USDT, 1_000, 50, 1, 0, 0, b"BTCUSDT2"))
PLAIN = PlainOrders(ROOM.catalogue, 5, ALICE)
PACK = {"D": PLAIN.enter_order, "F": PLAIN.cancel_order, "G": PLAIN.replace_order}
TEXTS = {"D": ORDER, "F": CANCEL, "G": REPLACE}

WHOLE = ["", "0", "1", "50000", "050000", "281474976710657", "9" * 18, "9" * 19, "-1", "1e3"]
BROKEN = ["0.5", "50000.0", "50000.01", "50000.011", "50000.010", "0.00001", "0.000001", "1.2.3"]
EDGES = [".5", "5.", ".", "10995116277.76", "10995116277.77", "2814749767.10657", "0." + "0" * 17]
DECIMALS = st.sampled_from(WHOLE + BROKEN + EDGES)
IDS = st.sampled_from(["", "a1", "x" * 36, "x" * 37, "a b", "A.:/_-9", "\u00e9"])
VALUES = {
    "11": IDS,
    "41": IDS,
    "37": st.sampled_from(["", "7", "0", "x", "9" * 18, "9" * 19, "9" * 20]),
    "55": st.sampled_from(["", "BTCUSDT", "BTCUSDT2", "BTCUSD", "NOPE", "\u00e9"]),
    "54": st.sampled_from(["", "1", "2", "5", "\x7f"]),
    "38": DECIMALS,
    "44": DECIMALS,
    "40": st.sampled_from(["", "1", "2", "3", "4", "P"]),
    "59": st.sampled_from(["", "0", "1", "2", "3", "4", "6"]),
    "18": st.sampled_from(["", "6", "o", "6 o", "G", "6 G"]),
    "99": st.sampled_from(["", "51000"]),
    "111": st.sampled_from(["", "0.1"]),
    "126": st.sampled_from(["", "20300101-12:00:00"]),
    "152": st.sampled_from(["", "1000"]),
    "110": st.sampled_from(["", "1"]),
    "1": st.sampled_from(["", "mine"]),
    "21": st.sampled_from(["", "1"]),
    "43": st.sampled_from(["", "Y"]),
    "1109": st.sampled_from(["", "U", "D"]),
    "25001": st.sampled_from(["", "3"]),
    "25009": st.sampled_from(["", "150"]),
}
CHANGES = st.lists(
    st.sampled_from(sorted(VALUES)).flatmap(lambda tag: st.tuples(st.just(tag), VALUES[tag])),
    max_size=4,
)


def general(request: FixMessage) -> bytes | None:
    try:
        return pack(fix_orders.command(request, ROOM.order_entry, 5, 6, ALICE))
    except Refused:
        return None


@settings(max_examples=500)
@given(st.sampled_from("DFG"), CHANGES)
def test_what_is_plain_has_the_command_that_the_general_way_makes(
    msg_type: str, changes: list[tuple[str, str]]
) -> None:
    text = "|".join([TEXTS[msg_type], *(f"{tag}={value}" for tag, value in changes)])
    request = message(msg_type, text)
    if fix44().validate(request) is None:
        packed = PACK[msg_type](request, 6)
        assert packed is None or packed == general(request)


@pytest.mark.parametrize(
    ("msg_type", "text"),
    [
        ("D", ""),
        ("D", "|54=2|59=4"),
        ("D", "|40=1|44="),
        ("D", "|59=0|18=6|1=mine|21=1"),
        ("D", "|18=o"),
        ("D", "|55=BTCUSDT2|38=0.00001|44=0.05"),
        ("D", f"|11={'x' * 36}|38=00.50000|44=50000.0"),
        ("F", "|38=0.5"),
        ("F", "|37=7"),
        ("G", "|37=7|41=a b"),
        ("G", "|59=1|18=6"),
    ],
)
def test_what_clients_send_most_is_plain(msg_type: str, text: str) -> None:
    request = message(msg_type, TEXTS[msg_type] + text)
    assert fix44().validate(request) is None
    packed = PACK[msg_type](request, 6)
    assert packed is not None
    assert packed == general(request)


@pytest.mark.parametrize(
    ("msg_type", "text"),
    [
        ("D", "|40=1"),  # with its price
        ("D", "|55=BTCUSDT2|44=50000.01"),
        ("D", "|55=BTCUSDT2|44=50000.05|38=0.000001"),
        ("D", "|99=51000|40=4"),
        ("D", "|111=0.1"),
        ("D", "|43=Y|122=20240101-00:00:00"),
        ("D", "|25000=100"),
        ("D", "|59=6|432=20300101"),
        ("F", "|37=x"),
        ("F", f"|37={'9' * 19}"),
        ("F", "|41="),
        ("G", "|38="),
    ],
)
def test_what_is_not_plain_is_left_alone(msg_type: str, text: str) -> None:
    assert PACK[msg_type](message(msg_type, TEXTS[msg_type] + text), 6) is None


def test_increments_count_as_they_are_now() -> None:
    room = EngineRoom()
    plain = PlainOrders(room.catalogue, 5, ALICE)
    request = message("D", f"{ORDER}|44=50000.01")
    assert plain.enter_order(request, 6) is not None
    room.apply(c.ChangePhase(90, 80, BTCUSDT, TradingPhase.HALTED))
    room.apply(c.ChangeIncrements(90, 81, BTCUSDT, 5, 1, 1))
    assert plain.enter_order(request, 6) is None
    assert plain.enter_order(message("D", f"{ORDER}|44=50000.05"), 6) is not None

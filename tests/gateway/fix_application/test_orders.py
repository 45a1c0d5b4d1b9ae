import pytest

from gateway.fix_application import orders as fix_orders
from tests.gateway.engine_room import ALICE, BTCUSDT, EngineRoom
from tests.gateway.fix_messages import CANCEL, ORDER, REPLACE, STATUS, message
from vocabulary import commands as c
from vocabulary.rejects import Refused, RejectReason
from vocabulary.types import OrderFlags, OrderType, SelfTradePrevention, Side, TimeInForce

R = RejectReason


@pytest.fixture(scope="module")
def room() -> EngineRoom:
    return EngineRoom()


def command(room: EngineRoom, msg_type: str, text: str) -> fix_orders.OrderCommand:
    return fix_orders.command(message(msg_type, text), room.order_entry, 5, 6, ALICE)


LIMIT = c.EnterOrder(
    5,
    6,
    ALICE,
    BTCUSDT,
    Side.BUY,
    OrderType.LIMIT,
    TimeInForce.GOOD_TILL_CANCEL,
    OrderFlags.NONE,
    5_000_000,
    50_000,
    b"a1",
)

HALF_DAY_NS = 12 * 3600 * 10**9
NOON_NS = 1_893_499_200 * 10**9  # 2030-01-01


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("59=1", LIMIT),
        ("59=", LIMIT),  # absent
        ("59=0", {"time_in_force": TimeInForce.DAY}),
        (
            "59=6|126=20300101-12:00:00.500",
            {"time_in_force": TimeInForce.GOOD_TILL_DATE, "expire_time_ns": NOON_NS + 5 * 10**8},
        ),
        (
            "59=6|432=99991231",  # as good as for ever
            {"time_in_force": TimeInForce.GOOD_TILL_DATE, "expire_time_ns": 2**63 - 1},
        ),
        (
            "59=6|126=99991231-23:59:59",
            {"time_in_force": TimeInForce.GOOD_TILL_DATE, "expire_time_ns": 2**63 - 1},
        ),
        (
            "59=6|432=20291231",  # its last day
            {"time_in_force": TimeInForce.GOOD_TILL_DATE, "expire_time_ns": NOON_NS - HALF_DAY_NS},
        ),
        ("21=1|1=ignored|207=X", LIMIT),
        ("54=2", {"side": Side.SELL}),
        ("59=3", {"time_in_force": TimeInForce.IMMEDIATE_OR_CANCEL}),
        ("59=4", {"time_in_force": TimeInForce.FILL_OR_KILL}),
        ("18=6", {"flags": OrderFlags.POST_ONLY}),
        ("40=4|99=51000", {"order_type": OrderType.STOP_LIMIT, "trigger_price_ticks": 5_100_000}),
        (
            "40=3|44=|99=51000|1109=D",
            {
                "order_type": OrderType.TAKE_PROFIT,
                "price_ticks": 0,
                "trigger_price_ticks": 5_100_000,
            },
        ),
        (
            "40=3|44=|25009=150",
            {"order_type": OrderType.STOP, "price_ticks": 0, "trailing_bps": 150},
        ),
        ("25001=3", {"self_trade_prevention": SelfTradePrevention.EXPIRE_MAKER}),
        ("25001=5", {"self_trade_prevention": SelfTradePrevention.DECREMENT}),
        ("40=1|44=", {"order_type": OrderType.MARKET, "price_ticks": 0}),
        (
            "40=1|44=|38=|152=1000.5",
            {
                "order_type": OrderType.MARKET,
                "price_ticks": 0,
                "quantity_lots": 0,
                "quote_units": 100_050_000_000,
            },
        ),
        ("38=0.50000000|44=00050000.0", LIMIT),
        ("111=0.1", {"display_lots": 10_000}),
        ("111=0.5", LIMIT),  # all of it
    ],
)
def test_a_new_order_single_becomes_a_command(
    room: EngineRoom, text: str, expected: c.EnterOrder | dict[str, object]
) -> None:
    made = command(room, "D", f"{ORDER}|{text}")
    if isinstance(expected, dict):
        names = LIMIT.__struct_fields__
        expected = c.EnterOrder(
            *({name: getattr(LIMIT, name) for name in names} | expected).values()
        )
    assert made == expected


def test_a_cancel_and_a_replace_become_commands(room: EngineRoom) -> None:
    assert command(room, "F", CANCEL) == c.CancelOrder(5, 6, ALICE, BTCUSDT, 0, b"x1", b"a1")
    assert command(room, "F", f"{CANCEL}|37=7") == c.CancelOrder(
        5, 6, ALICE, BTCUSDT, 7, b"x1", b""
    )
    assert command(room, "G", REPLACE) == c.ReplaceOrder(
        5, 6, ALICE, BTCUSDT, 0, 5_000_100, 60_000, b"r1", b"a1"
    )


@pytest.mark.parametrize(
    ("msg_type", "text", "reason"),
    [
        ("D", f"{ORDER}|59=2", R.UNSUPPORTED_ORDER),
        (
            "D",
            f"{ORDER}|59=6|432=20300101|126=20300101-12:00:00",
            R.EXPIRE_TIME_OUT_OF_RANGE,
        ),
        ("D", f"{ORDER}|40=3|99=1", R.UNSUPPORTED_ORDER),
        ("D", f"{ORDER}|40=P", R.UNSUPPORTED_ORDER),
        ("D", f"{ORDER}|54=5", R.UNSUPPORTED_ORDER),
        ("D", f"{ORDER}|18=G", R.UNSUPPORTED_ORDER),
        ("D", f"{ORDER}|18=6 G", R.UNSUPPORTED_ORDER),
        ("D", f"{ORDER}|111=0", R.DISPLAY_QUANTITY_OUT_OF_RANGE),
        ("D", f"{ORDER}|111=0.000001", R.QUANTITY_NOT_ON_LOT),
        ("G", f"{REPLACE}|111=0.1", R.UNSUPPORTED_ORDER),
        ("D", f"{ORDER}|38=", R.MALFORMED_QUANTITY),
        ("D", f"{ORDER}|40=1|44=|38=|152=1e3", R.MALFORMED_QUANTITY),
        ("D", f"{ORDER}|40=1|44=|38=|152=0", R.NOTIONAL_TOO_SMALL),
        ("G", f"{REPLACE}|152=1000", R.UNSUPPORTED_ORDER),
        ("D", f"{ORDER}|40=1", R.UNSUPPORTED_ORDER),
        ("D", f"{ORDER}|55=NOPE", R.UNKNOWN_INSTRUMENT),
        ("D", f"{ORDER}|44=", R.MALFORMED_PRICE),
        ("D", f"{ORDER}|44=-1", R.MALFORMED_PRICE),
        ("D", f"{ORDER}|44=0.001", R.PRICE_NOT_ON_TICK),
        ("D", f"{ORDER}|38={'1' * 30}", R.MALFORMED_QUANTITY),
        ("D", f"{ORDER}|38=0.000001", R.QUANTITY_NOT_ON_LOT),
        ("D", f"{ORDER}|11={'x' * 37}", R.MALFORMED_CLIENT_ORDER_ID),
        ("D", f"{ORDER}|11=a b", R.MALFORMED_CLIENT_ORDER_ID),
        ("F", f"{CANCEL}|55=NOPE", R.UNKNOWN_INSTRUMENT),
        ("F", f"{CANCEL}|37=NONE", R.UNKNOWN_ORDER),
        ("F", f"{CANCEL}|37={2**63}", R.UNKNOWN_ORDER),
        ("F", f"{CANCEL}|41={'x' * 40}", R.UNKNOWN_ORDER),
        ("F", f"{CANCEL}|11=a b", R.MALFORMED_CLIENT_ORDER_ID),
        ("G", f"{REPLACE}|40=1|44=", R.UNSUPPORTED_ORDER),
        ("G", f"{REPLACE}|59=3", R.UNSUPPORTED_ORDER),
        ("G", f"{REPLACE}|111=1", R.UNSUPPORTED_ORDER),
        ("G", f"{REPLACE}|59=6|126=20300101-12:00:00", R.UNSUPPORTED_ORDER),
        ("G", f"{REPLACE}|59=6|432=20300101", R.UNSUPPORTED_ORDER),
        ("G", f"{REPLACE}|44=", R.MALFORMED_PRICE),
        ("G", f"{REPLACE}|38=", R.MALFORMED_QUANTITY),
        ("G", f"{REPLACE}|38=1.000001", R.QUANTITY_NOT_ON_LOT),
    ],
)
def test_what_can_not_be_honoured_is_refused(
    room: EngineRoom, msg_type: str, text: str, reason: RejectReason
) -> None:
    with pytest.raises(Refused) as refused:
        command(room, msg_type, text)
    assert refused.value.reason is reason
    assert refused.value.text.isprintable()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("110=0.1", "MinQty(110)=0.1"),
        ("210=0.1", "MaxShow(210)=0.1"),
        ("192=1", "OrderQty2(192)=1"),
        ("640=1", "Price2(640)=1"),
        ("389=1", "DiscretionOffsetValue(389)=1"),
        ("847=1", "TargetStrategy(847)=1"),
        ("423=1", "PriceType(423)=1"),
        ("854=1", "QtyType(854)=1"),
        ("544=2", "CashMargin(544)=2"),
        ("121=Y", "ForexReq(121)=Y"),
        ("15=EUR", "Currency(15)=EUR"),
        ("15=BTC", "Currency(15)=BTC"),
    ],
)
@pytest.mark.parametrize(("msg_type", "request_text"), [("D", ORDER), ("G", REPLACE)])
def test_what_would_make_it_another_order_is_not_passed_over(
    room: EngineRoom, msg_type: str, request_text: str, text: str, named: str
) -> None:
    with pytest.raises(Refused) as refused:
        command(room, msg_type, f"{request_text}|{text}")
    assert refused.value.reason is R.UNSUPPORTED_ORDER
    assert refused.value.text == f"{named} is not supported"


@pytest.mark.parametrize("text", ["15=USDT", "854=0", "423=2", "544=1", "121=N", "1=desk", "63=0"])
def test_what_says_how_it_is_here_anyway_is_taken(room: EngineRoom, text: str) -> None:
    assert command(room, "D", f"{ORDER}|{text}") == LIMIT


def test_a_refusal_names_the_price_that_is_wrong(room: EngineRoom) -> None:
    for text, named in (
        ("40=3|44=|99=49000.001", "stop price 49000.001 is not a multiple of the tick size 0.01"),
        ("111=0.000001", "displayed quantity 0.000001 is not a multiple of the lot size 0.00001"),
        ("38=-1", "quantity '-1' is not a decimal without sign or exponent"),
    ):
        with pytest.raises(Refused) as refused:
            command(room, "D", f"{ORDER}|{text}")
        assert refused.value.text.startswith(named)
    with pytest.raises(Refused, match="the request names no order"):
        command(room, "F", f"{CANCEL}|41=")


def test_an_order_is_found_by_either_id_and_only_by_its_owner() -> None:
    room = EngineRoom()
    [report] = room.enter(b"a1", Side.BUY, "0.5", "50000")
    assert report.order is not None
    for msg_type, text in (
        ("H", STATUS),
        ("H", f"{STATUS}|11=other|37={report.order.order_id}"),
        ("F", CANCEL),
        ("G", REPLACE),
    ):
        request = message(msg_type, text)
        assert fix_orders.named_order(request, room.orders, ALICE) is report.order
        assert fix_orders.named_order(request, room.orders, ALICE + 1) is None
    for text in (f"{STATUS}|11=other", f"{STATUS}|37=999999", f"{STATUS}|37=garbage"):
        assert fix_orders.named_order(message("H", text), room.orders, ALICE) is None

"""Each of the engine's reasons to refuse, once, in the order of precedence; and nothing changes."""

import pytest

from matching.core import invariants
from matching.core.engine import Engine
from tests.matching.core.requests import (
    AT_AUCTION,
    BUSTED,
    EXPENSIVE,
    GAIN,
    GONE,
    HALTED,
    LIMITED,
    LISTINGS,
    PROTECT,
    STEPPED,
    SUSPENDED,
    at_market,
    bust,
    by_amount,
    correct,
    enter,
    listing,
    oco,
    otoco,
    replace,
    stepped,
    stop,
    trailing,
)
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.codec import pack, unpack
from vocabulary.limits import NO_LIMITS
from vocabulary.rejects import PRECEDENCE
from vocabulary.rejects import RejectReason as R
from vocabulary.types import (
    ID_MAX,
    INT64_MAX,
    OPEN_ORDERS_PER_ACCOUNT_MAX,
    PRICE_TICKS_MAX,
    WAITING_ORDERS_MAX,
    OrderFlags,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TradingPhase,
)

REFUSED = [
    (R.MALFORMED_CLIENT_ORDER_ID, enter(client_order_id=b"")),
    (R.MALFORMED_CLIENT_ORDER_ID, otoco(enter(**GAIN), stop(**PROTECT | {"client_order_id": b""}))),
    (R.UNKNOWN_ACCOUNT, enter(account_id=0)),
    (R.UNKNOWN_ACCOUNT, c.CreditFunds(1, 1, 0, 1, 5)),
    (R.UNKNOWN_ACCOUNT, c.AssignFeeTier(1, 1, 0, 1)),
    (R.UNKNOWN_ACCOUNT, c.CreditFunds(1, 1, ID_MAX + 1, 1, 5)),
    (R.UNKNOWN_ACCOUNT, bust(seller_account_id=77)),
    (R.UNKNOWN_ACCOUNT, bust(buyer_account_id=0)),
    (R.UNKNOWN_ACCOUNT, c.SuspendAccount(1, 1, 0)),
    (R.UNKNOWN_ACCOUNT, c.SuspendAccount(1, 1, ID_MAX + 1)),
    (R.UNKNOWN_ACCOUNT, c.ResumeAccount(1, 1, 0)),
    (R.UNKNOWN_ACCOUNT, c.ResumeAccount(1, 1, 9)),
    (R.UNKNOWN_ACCOUNT, c.SetSelfTradePrevention(1, 1, 9, SelfTradePrevention.NONE)),
    (R.UNKNOWN_ACCOUNT, c.SetSelfTradePrevention(1, 1, 0, SelfTradePrevention.NONE)),
    (R.ACCOUNT_SUSPENDED, enter(account_id=SUSPENDED, instrument_id=77)),
    (R.ACCOUNT_SUSPENDED, replace(account_id=SUSPENDED, instrument_id=77)),
    (R.UNKNOWN_INSTRUMENT, bust(instrument_id=77)),
    (R.UNKNOWN_INSTRUMENT, enter(instrument_id=77)),
    (R.UNKNOWN_INSTRUMENT, replace(instrument_id=77)),
    (R.UNKNOWN_INSTRUMENT, c.CancelOrder(1, 1, 1, 77, 0, b"", b"open")),
    (R.UNKNOWN_INSTRUMENT, c.CancelAllOrders(1, 1, 1, 77, b"")),
    (R.UNKNOWN_INSTRUMENT, c.ChangePhase(1, 1, 77, TradingPhase.HALTED)),
    (R.UNKNOWN_INSTRUMENT, c.SetFees(1, 1, 77, 0, 0)),
    (R.UNKNOWN_INSTRUMENT, c.SetTierFees(1, 1, 1, 77, 0, 0)),
    (R.UNKNOWN_INSTRUMENT, c.ClearTierFees(1, 1, 1, 77)),
    (R.UNKNOWN_INSTRUMENT, c.SetLimits(1, 1, 77, *NO_LIMITS)),
    (R.UNKNOWN_INSTRUMENT, c.SetReferencePrice(1, 1, 77, 5)),
    (R.UNKNOWN_INSTRUMENT, c.ChangeIncrements(1, 1, 77, 1, 1, 0)),
    (R.NOT_TRADING, enter(instrument_id=HALTED)),
    (R.NOT_TRADING, replace(instrument_id=HALTED)),
    (
        R.NOT_IN_AUCTION,
        enter(instrument_id=AT_AUCTION, time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL),
    ),
    (R.NOT_IN_AUCTION, enter(instrument_id=AT_AUCTION, flags=OrderFlags.POST_ONLY)),
    (
        R.NOT_IN_AUCTION,
        enter(instrument_id=AT_AUCTION, order_type=OrderType.MARKET, price_ticks=0),
    ),
    (
        R.UNSUPPORTED_ORDER,
        enter(flags=OrderFlags.POST_ONLY, time_in_force=TimeInForce.FILL_OR_KILL),
    ),
    (
        R.UNSUPPORTED_ORDER,
        enter(flags=OrderFlags.POST_ONLY, order_type=OrderType.MARKET, price_ticks=0),
    ),
    (R.UNSUPPORTED_ORDER, enter(trigger_price_ticks=5)),
    (R.UNSUPPORTED_ORDER, stop(flags=OrderFlags.POST_ONLY)),
    (R.UNSUPPORTED_ORDER, at_market(time_in_force=TimeInForce.FILL_OR_KILL)),
    (R.UNSUPPORTED_ORDER, stop(trailing_bps=5)),
    (R.UNSUPPORTED_ORDER, trailing(5, order_type=OrderType.TAKE_PROFIT_LIMIT)),
    (R.UNSUPPORTED_ORDER, by_amount(100, quantity_lots=1)),
    (R.UNSUPPORTED_ORDER, by_amount(100, order_type=OrderType.LIMIT, price_ticks=10)),
    (R.UNSUPPORTED_ORDER, by_amount(100, display_lots=1)),
    (R.UNSUPPORTED_ORDER, enter(display_lots=1, time_in_force=TimeInForce.FILL_OR_KILL)),
    (R.UNSUPPORTED_ORDER, at_market(display_lots=1)),
    (R.UNSUPPORTED_ORDER, oco(enter(side=Side.SELL), stop(**PROTECT))),
    (
        R.UNSUPPORTED_ORDER,
        oco(enter(**GAIN, price_ticks=12), at_market(side=Side.SELL)),
    ),
    (R.UNSUPPORTED_ORDER, otoco(enter(**GAIN, price_ticks=12), stop(side=Side.BUY))),
    (R.UNSUPPORTED_ORDER, otoco(stop(**PROTECT), enter(**GAIN, price_ticks=12))),
    (R.EXPIRE_TIME_OUT_OF_RANGE, enter(expire_time_ns=1)),
    (R.EXPIRE_TIME_OUT_OF_RANGE, enter(time_in_force=TimeInForce.DAY, expire_time_ns=1)),
    (R.EXPIRE_TIME_OUT_OF_RANGE, enter(time_in_force=TimeInForce.GOOD_TILL_DATE)),
    (R.PRICE_OUT_OF_RANGE, enter(price_ticks=0)),
    (R.PRICE_OUT_OF_RANGE, enter(price_ticks=-1)),
    (R.PRICE_OUT_OF_RANGE, enter(price_ticks=PRICE_TICKS_MAX + 1)),
    (R.PRICE_OUT_OF_RANGE, enter(order_type=OrderType.MARKET, price_ticks=1)),
    (R.PRICE_OUT_OF_RANGE, replace(price_ticks=0)),
    (R.PRICE_OUT_OF_RANGE, c.SetReferencePrice(1, 1, 1, -1)),
    (R.PRICE_OUT_OF_RANGE, c.SetReferencePrice(1, 1, 1, PRICE_TICKS_MAX + 1)),
    (R.PRICE_OUTSIDE_BAND, enter(instrument_id=LIMITED, price_ticks=7)),
    (R.PRICE_OUTSIDE_BAND, enter(instrument_id=LIMITED, price_ticks=13)),
    (R.PRICE_OUTSIDE_BAND, replace(instrument_id=LIMITED, price_ticks=13)),
    (R.TRIGGER_PRICE_OUT_OF_RANGE, stop(trigger_price_ticks=0)),
    (R.TRIGGER_PRICE_OUT_OF_RANGE, stop(trigger_price_ticks=PRICE_TICKS_MAX + 1)),
    (R.TRIGGER_PRICE_OUT_OF_RANGE, trailing(5_001)),
    (R.PRICE_OFF_INCREMENT, stepped(price_ticks=11, quantity_lots=9)),
    (R.PRICE_OFF_INCREMENT, stepped(order_type=OrderType.STOP_LIMIT, trigger_price_ticks=11)),
    (R.PRICE_OFF_INCREMENT, replace(instrument_id=STEPPED, price_ticks=11)),
    (R.QUANTITY_OUT_OF_RANGE, enter(quantity_lots=0)),
    (R.QUANTITY_OUT_OF_RANGE, enter(quantity_lots=-1)),
    (R.QUANTITY_OUT_OF_RANGE, enter(quantity_lots=INT64_MAX)),
    (R.QUANTITY_OUT_OF_RANGE, replace(quantity_lots=0)),
    (R.QUANTITY_OUT_OF_RANGE, enter(instrument_id=LIMITED, quantity_lots=1)),
    (R.QUANTITY_OUT_OF_RANGE, enter(instrument_id=LIMITED, quantity_lots=10)),
    (R.QUANTITY_OUT_OF_RANGE, replace(instrument_id=LIMITED, quantity_lots=10)),
    (R.QUANTITY_OFF_INCREMENT, stepped(quantity_lots=11)),
    (R.QUANTITY_OFF_INCREMENT, replace(instrument_id=STEPPED, quantity_lots=5)),
    (R.NOTIONAL_TOO_SMALL, enter(price_ticks=3)),
    (R.NOTIONAL_TOO_SMALL, replace(price_ticks=3)),
    (R.NOTIONAL_TOO_SMALL, by_amount(19)),
    (R.NOTIONAL_TOO_SMALL, by_amount(-1)),
    (R.NOTIONAL_TOO_LARGE, by_amount(81, instrument_id=LIMITED)),
    (R.NOTIONAL_TOO_LARGE, enter(instrument_id=EXPENSIVE, price_ticks=2**22, quantity_lots=2)),
    (R.NOTIONAL_TOO_LARGE, enter(instrument_id=LIMITED, quantity_lots=9)),
    (
        R.NOTIONAL_TOO_LARGE,
        at_market(instrument_id=EXPENSIVE, trigger_price_ticks=2**22, quantity_lots=2),
    ),
    (R.NO_LAST_TRADE, trailing(5, instrument_id=EXPENSIVE, price_ticks=1)),
    (R.WOULD_TRIGGER, stop(trigger_price_ticks=11)),
    (R.WOULD_TRIGGER, stop(order_type=OrderType.TAKE_PROFIT_LIMIT)),
    (R.WOULD_TRIGGER, oco(enter(**GAIN, price_ticks=12), stop(side=Side.SELL, quantity_lots=5))),
    (R.UNKNOWN_ORDER, replace(original_client_order_id=b"none")),
    (R.UNKNOWN_ORDER, replace(account_id=5)),
    (R.UNKNOWN_ORDER, c.CancelOrder(1, 1, 1, 1, 0, b"", b"none")),
    (R.UNKNOWN_ORDER, c.CancelOrder(1, 1, 1, HALTED, 0, b"", b"open")),
    (R.NOT_REPLACEABLE, replace(original_client_order_id=b"stop")),
    (R.QUANTITY_NOT_ABOVE_CUMULATIVE, replace(quantity_lots=2)),
    (R.DISPLAY_QUANTITY_OUT_OF_RANGE, enter(display_lots=6)),
    (R.DISPLAY_QUANTITY_OUT_OF_RANGE, enter(display_lots=-1)),
    (R.DISPLAY_QUANTITY_OUT_OF_RANGE, enter(display_lots=1, quantity_lots=101)),
    (R.DISPLAY_QUANTITY_OUT_OF_RANGE, enter(display_lots=1, instrument_id=LIMITED)),
    (R.DISPLAY_QUANTITY_OUT_OF_RANGE, stop(display_lots=6)),
    (R.DISPLAY_QUANTITY_OUT_OF_RANGE, stepped(display_lots=5)),
    (
        R.DISPLAY_QUANTITY_OUT_OF_RANGE,
        replace(original_client_order_id=b"ice", quantity_lots=101),
    ),
    (R.DUPLICATE_CLIENT_ORDER_ID, enter(client_order_id=b"open", quantity_lots=6)),
    (R.DUPLICATE_CLIENT_ORDER_ID, enter(client_order_id=b"other")),
    (
        R.DUPLICATE_CLIENT_ORDER_ID,
        otoco(enter(**GAIN), stop(**PROTECT | {"client_order_id": b"open"})),
    ),
    (R.DUPLICATE_CLIENT_ORDER_ID, replace(client_order_id=b"open")),
    (R.DUPLICATE_CLIENT_ORDER_ID, replace(client_order_id=b"other")),
    (R.TOO_MANY_OPEN_ORDERS, enter(instrument_id=LIMITED)),
    (
        R.TOO_MANY_OPEN_ORDERS,
        oco(
            enter(**GAIN, account_id=3, instrument_id=LIMITED),
            stop(**PROTECT, account_id=3, instrument_id=LIMITED, price_ticks=10),
        ),
    ),
    (R.INSUFFICIENT_FUNDS, enter(price_ticks=1001)),
    (R.INSUFFICIENT_FUNDS, by_amount(100_000, side=Side.SELL)),
    (R.INSUFFICIENT_FUNDS, enter(account_id=5)),
    (R.INSUFFICIENT_FUNDS, replace(price_ticks=1000)),
    (R.INSUFFICIENT_FUNDS, by_amount(100, account_id=5)),
    (
        R.INSUFFICIENT_FUNDS,
        oco(enter(**GAIN, price_ticks=12, account_id=5), stop(**PROTECT, account_id=5)),
    ),
    (R.NO_QUANTITY_FOR_AMOUNT, by_amount(100)),
    (R.NO_QUANTITY_FOR_AMOUNT, by_amount(20, side=Side.SELL, instrument_id=EXPENSIVE)),
    (
        R.WOULD_TAKE_LIQUIDITY,
        enter(flags=OrderFlags.POST_ONLY, side=Side.SELL, price_ticks=10),
    ),
    (R.WOULD_TAKE_LIQUIDITY, oco(enter(**GAIN), stop(**PROTECT))),
    (R.UNKNOWN_ASSET, c.CreditFunds(1, 1, 1, 7, 5)),
    (R.UNKNOWN_ASSET, listing(base_asset_id=7)),
    (R.ALREADY_LISTED, c.ListAsset(1, 1, 1, 0, b"NEW")),
    (R.ALREADY_LISTED, c.ListAsset(1, 1, 9, 0, b"BTC")),
    (R.ALREADY_LISTED, listing(instrument_id=1)),
    (R.ALREADY_LISTED, listing(symbol=b"BTCUSD")),
    (R.INVALID_LISTING, c.ListAsset(1, 1, 9, 13, b"NEW")),
    (R.INVALID_LISTING, c.ListAsset(1, 1, 0, 0, b"NEW")),
    (R.INVALID_LISTING, c.ListAsset(1, 1, 9, 0, b"N W")),
    (R.INVALID_LISTING, listing(quote_asset_id=1)),
    (R.INVALID_LISTING, listing(lot_units=0)),
    (R.INVALID_LISTING, listing(lot_units=3)),  # a tick of a third is no decimal
    (R.INVALID_LISTING, listing(symbol=b"")),
    (R.INSTRUMENT_DELISTED, c.ChangePhase(1, 1, GONE, TradingPhase.TRADING)),
    (R.INSTRUMENT_DELISTED, c.ChangeIncrements(1, 1, GONE, 0, 1, 0)),
    (R.STILL_TRADING, c.ChangeIncrements(1, 1, 1, 0, 1, 0)),
    (R.STILL_TRADING, c.ChangeIncrements(1, 1, AT_AUCTION, 2, 1, 0)),
    (R.INVALID_INCREMENT, c.ChangeIncrements(1, 1, HALTED, 0, 1, 0)),
    (R.INVALID_INCREMENT, c.ChangeIncrements(1, 1, HALTED, 1, 2**48 + 1, 0)),
    (R.INVALID_INCREMENT, c.ChangeIncrements(1, 1, HALTED, PRICE_TICKS_MAX + 1, 1, 0)),
    (R.INVALID_INCREMENT, c.ChangeIncrements(1, 1, HALTED, 1, 1, -1)),
    (R.INVALID_INCREMENT, listing(price_increment_ticks=0)),
    (R.ORDERS_OFF_INCREMENT, c.ChangeIncrements(1, 1, HALTED, 3, 1, 0)),
    (R.INVALID_LIMITS, listing(quantity_lots_min=5, quantity_lots_max=4)),
    (R.INVALID_LIMITS, c.SetLimits(1, 1, 1, 0, 0, 9, 8, 0, 0, 0, 0, 0)),
    (R.INVALID_LIMITS, c.SetLimits(1, 1, 1, -1, 0, 0, 0, 0, 0, 0, 0, 0)),
    (R.INVALID_LIMITS, c.SetLimits(1, 1, 1, 0, 2**49, 0, 0, 0, 0, 0, 0, 0)),
    (R.INVALID_LIMITS, c.SetLimits(1, 1, 1, 0, 0, 0, 0, 100_001, 0, 0, 0, 0)),
    (R.INVALID_LIMITS, c.SetLimits(1, 1, 1, 0, 0, 0, 0, 0, 100_000_001, 0, 0, 0)),
    (R.INVALID_LIMITS, c.SetLimits(1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0)),
    (R.INVALID_FEE, listing(maker_fee_ppm=100_001)),
    (R.INVALID_FEE, c.SetFees(1, 1, 1, 0, 100_001)),
    (R.INVALID_FEE, c.SetFees(1, 1, 1, -100_001, 0)),
    (R.INVALID_FEE, c.SetTierFees(1, 1, 1, 0, 0, 100_001)),
    (R.INVALID_FEE_TIER, c.SetTierFees(1, 1, 0, 0, 0, 0)),
    (R.INVALID_FEE_TIER, c.SetTierFees(1, 1, 1_001, 1, 0, 0)),
    (R.INVALID_FEE_TIER, c.ClearTierFees(1, 1, 0, 1)),
    (R.INVALID_FEE_TIER, c.AssignFeeTier(1, 1, 1, 1_001)),
    (R.INVALID_AMOUNT, c.CreditFunds(1, 1, 1, 1, 0)),
    (R.FUNDS_OVERFLOW, c.CreditFunds(1, 1, 1, 1, INT64_MAX)),
    (R.UNKNOWN_TRADE, bust(trade_id=2)),
    (R.UNKNOWN_TRADE, bust(trade_id=0)),
    (R.TRADE_BUSTED, bust(instrument_id=BUSTED, amendments=1)),
    (R.TRADE_AMENDED, bust(amendments=1)),
    (R.INVALID_CORRECTION, correct(0, 1)),
    (R.INVALID_CORRECTION, correct(PRICE_TICKS_MAX + 1, 1)),
    (R.INVALID_CORRECTION, correct(11, 3)),
    (R.INVALID_CORRECTION, correct(11, 0)),
    (R.FUNDS_SPENT, bust(buyer_account_id=SUSPENDED)),
]


@pytest.fixture
def engine() -> Engine:
    """Give an engine in which account 1 has an order `open` and one, `part`, filled by half."""
    engine = Engine()
    orders = (
        enter(client_order_id=b"open"),
        enter(client_order_id=b"part", price_ticks=11, quantity_lots=4),
        enter(client_order_id=b"other", side=Side.SELL, price_ticks=11, quantity_lots=2),
        stop(client_order_id=b"stop"),
        enter(client_order_id=b"ice", display_lots=1),
        enter(client_order_id=b"lone", instrument_id=LIMITED),
        enter(client_order_id=b"buy", instrument_id=BUSTED),
        enter(client_order_id=b"sell", instrument_id=BUSTED, side=Side.SELL),
        bust(instrument_id=BUSTED),
        enter(client_order_id=b"stays", instrument_id=HALTED, price_ticks=1, quantity_lots=1),
        c.ChangePhase(1, 1, HALTED, TradingPhase.HALTED),
    )
    for sequence, command in enumerate((*LISTINGS, *orders), start=1):
        event, _ = unpack(engine.apply(pack(command), sequence, 0))
        assert not isinstance(event, e.CommandRejected)
    return engine


@pytest.mark.parametrize(
    ("reason", "command"), REFUSED, ids=[f"{number}" for number in range(len(REFUSED))]
)
def test_is_refused_and_changes_nothing(engine: Engine, reason: R, command: c.Command) -> None:
    funds = engine.funds()
    book = [order.leaves_lots for order in engine.state.orders]
    events = engine.apply(pack(command), 99, 0)
    assert unpack(events) == (e.CommandRejected(reason), len(events))
    assert engine.funds() == funds
    assert [order.leaves_lots for order in engine.state.orders] == book
    invariants.check(engine.state)


def test_an_account_has_a_bounded_number_of_open_orders(engine: Engine) -> None:
    engine.state.accounts[1].open_order_count = OPEN_ORDERS_PER_ACCOUNT_MAX
    event, _ = unpack(engine.apply(pack(enter()), 99, 0))
    assert event == e.CommandRejected(R.TOO_MANY_OPEN_ORDERS)


def test_an_instrument_has_a_bounded_number_of_orders_that_wait(engine: Engine) -> None:
    engine.state.books[1].waiting_count = WAITING_ORDERS_MAX
    event, _ = unpack(engine.apply(pack(stop()), 99, 0))
    assert event == e.CommandRejected(R.TOO_MANY_WAITING_ORDERS)


def test_an_account_s_names_are_remembered_to_a_bound(engine: Engine) -> None:
    engine.state.name_rows.closed_max = 20
    account = engine.state.accounts[1]
    names = [b"%d" % number for number in range(25)]
    for sequence, name in enumerate(names, start=100):
        order = enter(client_order_id=name, time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL)
        engine.apply(pack(order), sequence, 0)
    assert account.client_order_ids.closed_count == 20
    invariants.check(engine.state)
    for name, known in ((names[5], True), (names[4], False)):
        again = enter(client_order_id=name, time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL)
        event, _ = unpack(engine.apply(pack(again), 99_999, 0))
        assert isinstance(event, e.OrderRepeated if known else e.OrderAccepted)


def test_every_reason_of_the_engine_is_tested_in_order() -> None:
    tested = list(dict.fromkeys(reason for reason, _ in REFUSED))
    assert tested == sorted(tested, key=PRECEDENCE.__getitem__)
    found_by_gateways = {reason for reason in R if reason < R.UNKNOWN_ACCOUNT}
    elsewhere = {R.TOO_MANY_WAITING_ORDERS}
    assert set(R) - found_by_gateways - elsewhere == set(tested) - {R.MALFORMED_CLIENT_ORDER_ID}

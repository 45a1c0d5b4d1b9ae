"""Commands of all kinds that the tests of refusals and phases ask with, and what is listed."""

import msgspec

from tests.matching.core.busts import Busts
from vocabulary import commands as c
from vocabulary.types import (
    Contingency,
    OrderFlags,
    OrderType,
    Side,
    TimeInForce,
    TradingPhase,
)

HALTED, EXPENSIVE, LIMITED, AT_AUCTION, GONE, STEPPED, BUSTED = 2, 3, 4, 5, 6, 7, 8
SUSPENDED = 8
LISTINGS = (
    c.ListAsset(1, 1, 1, 0, b"BTC"),
    c.ListAsset(1, 1, 2, 0, b"USD"),
    c.ListInstrument(1, 1, 1, 1, 2, 1, 1, 20, 0, 0, b"BTCUSD"),
    c.ListInstrument(1, 1, HALTED, 1, 2, 1, 1, 0, 0, 0, b"HALTED"),
    c.ListInstrument(1, 1, EXPENSIVE, 1, 2, 1, 2**40, 0, 0, 0, b"EXPENSIVE"),
    c.ListInstrument(
        1,
        1,
        LIMITED,
        1,
        2,
        1,
        1,
        20,
        0,
        0,
        b"LIMITED",
        quantity_lots_min=2,
        quantity_lots_max=9,
        notional_units_max=80,
        open_orders_max=1,
        price_band_ppm=200_000,
    ),
    c.SetReferencePrice(1, 1, LIMITED, 10),
    c.ListInstrument(
        1, 1, AT_AUCTION, 1, 2, 1, 1, 0, 0, 0, b"ATAUCTION", TradingPhase.OPENING_AUCTION
    ),
    c.ListInstrument(1, 1, GONE, 1, 2, 1, 1, 0, 0, 0, b"GONE", TradingPhase.DELISTED),
    c.ListInstrument(
        1,
        1,
        STEPPED,
        1,
        2,
        1,
        1,
        0,
        0,
        0,
        b"STEPPED",
        price_increment_ticks=5,
        quantity_increment_lots=10,
    ),
    c.ListInstrument(1, 1, BUSTED, 1, 2, 1, 1, 0, 0, 0, b"BUSTED"),
    c.CreditFunds(1, 1, 1, 1, 1000),
    c.CreditFunds(1, 1, 1, 2, 1000),
    c.SuspendAccount(1, 1, SUSPENDED),
)


ENTER = c.EnterOrder(
    1,
    1,
    account_id=1,
    instrument_id=1,
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    time_in_force=TimeInForce.GOOD_TILL_CANCEL,
    flags=OrderFlags.NONE,
    price_ticks=10,
    quantity_lots=5,
    client_order_id=b"new",
)
REPLACE = c.ReplaceOrder(
    1,
    1,
    account_id=1,
    instrument_id=1,
    order_id=0,
    price_ticks=10,
    quantity_lots=5,
    client_order_id=b"newer",
    original_client_order_id=b"part",
)
LISTING = c.ListInstrument(
    1,
    1,
    instrument_id=9,
    base_asset_id=1,
    quote_asset_id=2,
    lot_units=1,
    tick_lot_units=1,
    notional_units_min=0,
    maker_fee_ppm=0,
    taker_fee_ppm=0,
    symbol=b"NEW",
)


def enter(**changes: object) -> c.Command:
    return msgspec.structs.replace(ENTER, **changes)


STOP = msgspec.structs.replace(
    ENTER,
    client_order_id=b"wait",
    order_type=OrderType.STOP_LIMIT,
    trigger_price_ticks=15,
    price_ticks=20,
    quantity_lots=1,
)


def stop(**changes: object) -> c.Command:
    return msgspec.structs.replace(STOP, **changes)


def at_market(**changes: object) -> c.Command:
    return msgspec.structs.replace(STOP, order_type=OrderType.STOP, price_ticks=0, **changes)


def trailing(bps: int, **changes: object) -> c.Command:
    return msgspec.structs.replace(STOP, trigger_price_ticks=0, trailing_bps=bps, **changes)


def by_amount(quote_units: int, **changes: object) -> c.Command:
    terms = {"order_type": OrderType.MARKET, "price_ticks": 0, "quantity_lots": 0, **changes}
    return enter(quote_units=quote_units, **terms)


def stepped(**changes: object) -> c.Command:
    """Return an order where prices are multiples of 5, and quantities of 10."""
    return enter(instrument_id=STEPPED, **{"quantity_lots": 10, **changes})


def replace(**changes: object) -> c.Command:
    return msgspec.structs.replace(REPLACE, **changes)


def listing(**changes: object) -> c.Command:
    return msgspec.structs.replace(LISTING, **changes)


def bust(**changes: int) -> c.BustTrade:
    """Return what busts the one trade that there was: account 1 sold itself 2 at 11."""
    trade = c.BustTrade(
        1,
        1,
        instrument_id=1,
        amendments=0,
        trade_id=1,
        price_ticks=11,
        quantity_lots=2,
        base_units=2,
        quote_units=22,
        buyer_account_id=1,
        seller_account_id=1,
        buyer_order_id=15,
        seller_order_id=16,
        buyer_fee_units=0,
        seller_fee_units=0,
    )
    return msgspec.structs.replace(trade, **changes)


def correct(price_ticks: int, lots: int) -> c.CorrectTrade:
    return Busts().correction(bust(), price_ticks, lots)


def oco(first: c.Command, second: c.Command) -> c.Command:
    assert isinstance(first, c.EnterOrder)
    assert isinstance(second, c.EnterOrder)
    return c.list_orders(Contingency.ONE_CANCELS_OTHER, b"list", first, second)


def otoco(*orders: c.Command) -> c.Command:
    """Return a list whose orders come in behind a working one that rests."""
    working = enter(client_order_id=b"working", price_ticks=5)
    entered = [each for each in (working, *orders) if isinstance(each, c.EnterOrder)]
    return c.list_orders(Contingency.ONE_TRIGGERS_OTHER, b"list", *entered)


GAIN = {"side": Side.SELL, "flags": OrderFlags.POST_ONLY, "client_order_id": b"gain"}
PROTECT = {"side": Side.SELL, "trigger_price_ticks": 9, "quantity_lots": 5}

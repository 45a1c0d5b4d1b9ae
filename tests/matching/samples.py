"""Commands of a small market, and their records as the real engine makes them."""

from collections.abc import Iterator

from matching.core.engine import Engine
from matching.pipeline import Pipeline
from matching.sequencer import Sequencer
from vocabulary import commands as c
from vocabulary.codec import RECORD_HEADER, pack
from vocabulary.types import OrderFlags, OrderType, Side, TimeInForce

OPERATOR = 1
NOW_NS = 1_700_000_000_000_000_000


def listing() -> list[c.Command]:
    """Return what lists BTCUSDT and gives accounts 1 and 2 plenty of both assets."""
    commands: list[c.Command] = [
        c.ListAsset(OPERATOR, 1, 1, 8, b"BTC"),
        c.ListAsset(OPERATOR, 2, 2, 8, b"USDT"),
        c.ListInstrument(OPERATOR, 3, 1, 1, 2, 100_000, 1_000, 0, 1_000, 2_000, b"BTCUSDT"),
    ]
    funds = [(account_id, asset_id) for account_id in (1, 2) for asset_id in (1, 2)]
    return commands + [
        c.CreditFunds(OPERATOR, 4 + index, account_id, asset_id, 10**16)
        for index, (account_id, asset_id) in enumerate(funds)
    ]


def order(session_id: int, number: int, **changes: object) -> c.EnterOrder:
    """Return a limit order; odd numbers buy, even ones sell, so that about half of them trade."""
    fields: dict[str, object] = {
        "account_id": 1 + number % 2,
        "instrument_id": 1,
        "side": Side.BUY if number % 2 else Side.SELL,
        "order_type": OrderType.LIMIT,
        "time_in_force": TimeInForce.GOOD_TILL_CANCEL,
        "flags": OrderFlags.NONE,
        "price_ticks": 100 + number % 3,
        "quantity_lots": 1 + number % 5,
        "client_order_id": b"%d-%d" % (session_id, number),
    }
    return c.EnterOrder(session_id, number, **(fields | changes))  # type: ignore[arg-type]


def make_records(count: int, session_id: int = 7) -> list[bytes]:
    """Return the first records of a journal: the listing, then orders."""
    orders = (order(session_id, number) for number in range(1, count))
    commands = [*listing(), *orders][:count]
    pipeline = Pipeline(Engine(), Sequencer())
    batch = pipeline.execute([(None, pack(command)) for command in commands], NOW_NS)
    return list(split_records(batch.records))


def split_records(records: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(records):
        size = RECORD_HEADER.unpack_from(records, at)[1]
        yield records[at : at + size]
        at += size

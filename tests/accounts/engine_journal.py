"""Records as the journal holds them: made by the real engine from commands."""

from __future__ import annotations

import random

from matching.core.engine import Engine
from vocabulary import commands as c
from vocabulary.codec import Record, pack, pack_record, unpack_record
from vocabulary.types import OrderFlags, OrderType, Side, TimeInForce

BTC, USDT, ETH = 1, 2, 3
BTCUSDT, ETHBTC = 1, 2
CREDIT_UNITS = 10**12
START_NS = 1_700_000_000_000_000_000

LISTINGS = (
    c.ListAsset(7, 1, BTC, 8, b"BTC"),
    c.ListAsset(7, 2, USDT, 6, b"USDT"),
    c.ListAsset(7, 3, ETH, 8, b"ETH"),
    # A lot is 0.0001 BTC, a tick 0.01 USDT; odd fees, so that they get rounded.
    c.ListInstrument(7, 4, BTCUSDT, BTC, USDT, 10_000, 1, 0, 1_003, 2_001, b"BTCUSDT"),
    c.ListInstrument(7, 5, ETHBTC, ETH, BTC, 100_000, 10, 0, 0, 0, b"ETHBTC"),
)


class EngineJournal:
    """The engine, and the records of all that it was asked."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.records: list[Record] = []

    def ask(self, *commands: c.Command) -> list[Record]:
        """Apply commands and return their records."""
        made = [self._ask(command) for command in commands]
        self.records += made
        return made

    def _ask(self, command: c.Command) -> Record:
        sequence = self.engine.sequence + 1
        timestamp_ns = START_NS + sequence
        packed = pack(command)
        events = self.engine.apply(packed, sequence, timestamp_ns)
        record, _ = unpack_record(pack_record(sequence, timestamp_ns, packed, events))
        return record


def order(
    number: int, account_id: int, side: Side, price_ticks: int, lots: int, instrument_id: int
) -> c.EnterOrder:
    return c.EnterOrder(
        9,
        number,
        account_id,
        instrument_id,
        side,
        OrderType.LIMIT,
        TimeInForce.GOOD_TILL_CANCEL,
        OrderFlags.NONE,
        price_ticks,
        lots,
        str(number).encode(),
    )


def listings_and_credits(accounts: int) -> list[c.Command]:
    """Return what lists the instruments and gives accounts 1 to `accounts` their funds."""
    credits_ = [
        c.CreditFunds(8, 1 + number, 1 + number // 3, 1 + number % 3, CREDIT_UNITS)
        for number in range(3 * accounts)
    ]
    return [*LISTINGS, *credits_]


def orders(seed: int, count: int, accounts: int = 4) -> list[c.EnterOrder]:
    """Return orders around one price, about half of which trade."""
    chance = random.Random(seed)
    return [
        order(
            seed * 1_000_000 + number,
            chance.randint(1, accounts),
            chance.choice((Side.BUY, Side.SELL)),
            chance.randint(95, 105),
            chance.randint(1, 30),
            chance.choice((BTCUSDT, ETHBTC)),
        )
        for number in range(1, count + 1)
    ]

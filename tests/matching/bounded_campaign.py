"""So many orders at once that one record could not hold what becomes of them all.

    python -m tests.matching.bounded_campaign 1000000

They expire, are delisted, half of them trade with the other half in an auction, and one order
trades with them all. It prints how many records each took, the largest of them, and the longest
that a command kept others waiting.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from matching.core.engine import Engine
from matching.pipeline import Pipeline
from matching.sequencer import Sequencer
from tests.matching.samples import NOW_NS, listing, order, split_records
from vocabulary import commands as c
from vocabulary.codec import Record, pack, unpack_record
from vocabulary.types import STEPS_PER_COMMAND_MAX, Side, TimeInForce, TradingPhase

ACCOUNTS = 20
END_NS = NOW_NS + 10**9


class Told(NamedTuple):
    """What a campaign came to."""

    records: int
    largest_bytes: int
    longest_s: float
    last: Record


CampaignRun = Callable[[int], Told]


class Campaign:
    """A venue with many orders in one instrument before its opening."""

    def __init__(self, orders: int, **terms: object) -> None:
        self.engine = Engine()
        self.pipeline = Pipeline(self.engine, Sequencer())
        self._number = 0
        credited = [
            c.CreditFunds(9, 1 + number, 3 + number // 2, 1 + number % 2, 10**16)
            for number in range(2 * ACCOUNTS)
        ]
        phase = c.ChangePhase(9, 1_000, 1, TradingPhase.PRE_OPEN)
        for command in (*listing(), *credited, phase):
            self.ask(command)
        for number in range(orders):
            side = Side.BUY if number % 2 else Side.SELL
            fields = {"account_id": 3 + number % ACCOUNTS, "side": side, **terms}
            self.ask(order(7, 1 + number, **fields))

    def ask(self, command: c.Command, now_ns: int = NOW_NS) -> list[bytes]:
        return list(split_records(self.pipeline.execute([("a", pack(command))], now_ns).records))

    def run_clock(self, now_ns: int) -> list[bytes]:
        return list(split_records(self.pipeline.execute([], now_ns).records))

    def change_phase(self, phase: TradingPhase) -> list[bytes]:
        self._number += 1
        command = c.ChangePhase(9, 1_000 + self._number, 1, phase, STEPS_PER_COMMAND_MAX)
        return self.ask(command)


def expire(orders: int) -> Told:
    venue = Campaign(orders, time_in_force=TimeInForce.GOOD_TILL_DATE, expire_time_ns=END_NS)
    return _told(lambda: venue.run_clock(END_NS))


def uncross(orders: int) -> Told:
    venue = Campaign(orders, price_ticks=100, quantity_lots=1)
    return _told(lambda: venue.change_phase(TradingPhase.TRADING))


def sweep(orders: int) -> Told:
    venue = Campaign(orders, side=Side.SELL, price_ticks=100, quantity_lots=1)
    venue.change_phase(TradingPhase.TRADING)
    all_of_it = order(8, 1, side=Side.BUY, price_ticks=100, quantity_lots=orders)
    told = _told(lambda: [*venue.ask(all_of_it), *venue.run_clock(NOW_NS)])
    assert venue.engine.open_order_count == 0
    return told


def delist(orders: int) -> Told:
    venue = Campaign(orders)
    told = _told(lambda: venue.change_phase(TradingPhase.DELISTED))
    while venue.engine.open_order_count:
        more = _told(lambda: venue.change_phase(TradingPhase.DELISTED))
        told = Told(
            told.records + more.records,
            max(told.largest_bytes, more.largest_bytes),
            max(told.longest_s, more.longest_s),
            more.last,
        )
    return told


def _told(run: Callable[[], list[bytes]]) -> Told:
    start = time.perf_counter()
    records = run()
    taken_s = time.perf_counter() - start
    last, _ = unpack_record(records[-1])
    return Told(len(records), max(map(len, records)), taken_s, last)


if __name__ == "__main__":
    for campaign in (expire, uncross, sweep, delist):
        told = campaign(int(sys.argv[1]))
        sys.stdout.write(
            f"{campaign.__name__}: {told.records} records, the largest of {told.largest_bytes:,}"
            f" bytes; others waited {told.longest_s:.2f} s\n"
        )

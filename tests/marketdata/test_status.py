"""The status channel, and depth across an auction."""

import msgspec

from marketdata.feed import Feed
from tests.marketdata.scripted_venue import SECOND_NS, ScriptedVenue
from vocabulary.market_data import (
    DepthChanged,
    Level,
    Status,
    StatusChanged,
    StatusSnapshot,
    TradesPrinted,
)
from vocabulary.types import TradingPhase


def test_phase_and_indicative_price_are_told_and_in_the_snapshot() -> None:
    venue, feed = ScriptedVenue(), Feed()
    for record in venue.records:
        feed.apply(record)
    feed.begin()
    feed.take_writes(0)
    told: list[Status] = []
    venue.change_phase(TradingPhase.OPENING_AUCTION)
    venue.sell(100, 5)
    venue.buy(101, 2)
    venue.change_phase(TradingPhase.TRADING)
    for record in venue.records[-4:]:
        feed.apply(record)
        writes = feed.take_writes(record.timestamp_ns)
        for name, data in writes.messages:
            if name == "agio:status:BTCUSDT":
                told.append(msgspec.msgpack.decode(data, type=StatusChanged).status)
    assert told == [
        Status(TradingPhase.OPENING_AUCTION, 0, 0, 0),
        Status(TradingPhase.OPENING_AUCTION, 100, 2, -3),
        Status(TradingPhase.TRADING, 0, 0, 0),
    ]
    messages = dict(writes.messages)
    printed = msgspec.msgpack.decode(messages["agio:trades:BTCUSDT"], type=TradesPrinted)
    assert [(one.price_ticks, one.lots) for one in printed.prints] == [(100, 2)]
    depth = msgspec.msgpack.decode(messages["agio:depth:BTCUSDT"], type=DepthChanged)
    assert (depth.bids, depth.asks) == ([Level(101, 0)], [Level(100, 3)])
    snapshots = dict(feed.take_writes(venue.now_ns + SECOND_NS).snapshots)
    key = "agio:snapshot:status:BTCUSDT"
    status = msgspec.msgpack.decode(
        snapshots.get(key) or dict(writes.snapshots)[key], type=StatusSnapshot
    )
    assert status.status.phase is TradingPhase.TRADING

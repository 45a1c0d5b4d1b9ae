"""Gaps, found and filled: a feed, a subscriber that loses messages, and its followers."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gateway.market_channel import HELD_MESSAGES_MAX, ChannelReader
from gateway.market_view import FeedBook, FeedCandles, FeedTape, FeedTicker
from marketdata.channel import MILLISECOND_NS
from marketdata.feed import Feed
from tests.marketdata.scripted_venue import MINUTE_NS, ScriptedVenue, Step, play, steps
from vocabulary.market_data import (
    AmendedTrade,
    CandlesChanged,
    CandlesSnapshot,
    DepthChanged,
    DepthSnapshot,
    Heartbeat,
    Level,
    Mark,
    Print,
    TickerChanged,
    TickerSnapshot,
    TradesPrinted,
    TradesSnapshot,
)

TYPES: dict[str, tuple[Any, Any, Any]] = {
    "depth": (FeedBook, DepthChanged, DepthSnapshot),
    "trades": (FeedTape, TradesPrinted, TradesSnapshot),
    "candles:1m": (FeedCandles, CandlesChanged, CandlesSnapshot),
    "ticker": (FeedTicker, TickerChanged, TickerSnapshot),
}


def level_message(sequence: int, previous_sequence: int, *bids: Level) -> DepthChanged:
    return DepthChanged(sequence, previous_sequence, sequence, list(bids), [])


def filled_reader() -> tuple[FeedBook, ChannelReader[DepthChanged, DepthSnapshot]]:
    """Return a reader at sequence 10 with one bid, 5 lots at 100."""
    book = FeedBook()
    reader = ChannelReader(book)
    assert reader.receive_snapshot(DepthSnapshot(10, 10, [Level(100, 5)], [])) == []
    return book, reader


def test_the_first_snapshot_is_nobodys_news_but_what_follows_it_is() -> None:
    book = FeedBook()
    reader = ChannelReader(book)
    following = level_message(12, 10, Level(101, 1))
    assert reader.receive(level_message(10, 8, Level(100, 5))) == []
    assert reader.receive(following) == []
    assert reader.receive_snapshot(DepthSnapshot(10, 10, [Level(100, 5)], [])) == [following]
    assert book.bids.lots == {100: 5, 101: 1}
    assert (reader.gaps, reader.refills) == (0, 0)


def test_a_missing_message_is_noticed_and_bridged_by_one_message() -> None:
    book, reader = filled_reader()
    late = level_message(16, 14, Level(99, 7))
    assert reader.receive(late) == []
    assert reader.needs_snapshot
    assert reader.receive_snapshot(DepthSnapshot(12, 12, [], [])) == [], "does not reach far enough"
    assert book.bids.lots == {100: 5}
    bridge, following = reader.receive_snapshot(DepthSnapshot(14, 14, [Level(101, 2)], []))
    assert bridge == DepthChanged(14, 10, 14, [Level(101, 2), Level(100, 0)], [])
    assert following == late
    assert book.bids.lots == {101: 2, 99: 7}
    assert (reader.gaps, reader.refills) == (1, 1)


def test_held_messages_that_the_snapshot_has_are_not_applied_again() -> None:
    book, reader = filled_reader()
    reader.receive(level_message(16, 14, Level(99, 7)))
    reader.receive(level_message(18, 16, Level(99, 8)))
    (bridge,) = reader.receive_snapshot(DepthSnapshot(18, 18, [Level(99, 8)], []))
    assert (bridge.previous_sequence, bridge.sequence) == (10, 18)
    assert book.bids.lots == {99: 8}


def test_a_second_gap_while_waiting_asks_for_a_later_snapshot() -> None:
    book, reader = filled_reader()
    reader.receive(level_message(16, 14))
    reader.receive(level_message(22, 20, Level(99, 1)))
    assert reader.receive_snapshot(DepthSnapshot(16, 16, [], [])) == []
    assert len(reader.receive_snapshot(DepthSnapshot(20, 20, [], []))) == 2
    assert book.sequence == 22


def test_waiting_holds_a_bounded_number_of_messages() -> None:
    _, reader = filled_reader()
    for sequence in range(20, 20 + 3 * HELD_MESSAGES_MAX):
        reader.receive(level_message(sequence, sequence - 1))
    assert reader.receive_snapshot(DepthSnapshot(30, 30, [], [])) == []
    messages = reader.receive_snapshot(DepthSnapshot(19 + 3 * HELD_MESSAGES_MAX, 0, [], []))
    assert len(messages) <= 1 + HELD_MESSAGES_MAX


def test_the_heartbeat_shows_that_the_last_message_is_missing() -> None:
    book, reader = filled_reader()
    reader.receive_heartbeat(Mark(10, 10))
    assert reader.gaps == 0
    reader.receive_heartbeat(Mark(12, 12))
    assert reader.receive_snapshot(DepthSnapshot(10, 10, [Level(100, 5)], [])) == []
    reader.receive_snapshot(DepthSnapshot(12, 12, [], []))
    assert (book.bids.lots, reader.gaps) == ({}, 1)


def test_a_journal_that_began_anew_is_followed_backwards() -> None:
    book, reader = filled_reader()
    reader.receive(level_message(4, 3, Level(50, 1)))
    (bridge, _) = reader.receive_snapshot(DepthSnapshot(3, 3, [Level(51, 1)], []))
    assert (bridge.previous_sequence, bridge.sequence) == (10, 3)
    assert book.bids.lots == {50: 1, 51: 1}


@dataclass
class Follower:
    """A gateway's reader of one channel, and a client that only sees what the reader hands up."""

    kind: str
    snapshot: Any = None
    last_sequence: int | None = None
    prints: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        view, self.message_type, self.snapshot_type = TYPES[self.kind]
        self.view = view()
        self.client = view()
        self.reader = ChannelReader(self.view)

    def receive_snapshot(self) -> None:
        was_empty = self.view.sequence == 0
        messages = self.reader.receive_snapshot(self.snapshot)
        if was_empty and self.view.sequence:  # a client that comes after the first fill
            self.client.replace(self.snapshot)
            self.last_sequence = self.snapshot.sequence
        self.hand_up(messages)

    def hand_up(self, messages: list[Any]) -> None:
        for message in messages:
            assert message.previous_sequence == self.last_sequence, "the client's chain is unbroken"
            self.last_sequence = message.sequence
            self.client.apply(message)

    def state(self, view: Any) -> object:
        match self.kind:
            case "depth":
                return view.bids.lots, view.asks.lots, view.bids.levels(99), view.asks.best
            case "trades":
                return list(view.prints)
            case "ticker":
                return view.ticker
            case _:
                return view.candles


@given(
    st.lists(steps, min_size=10, max_size=80),
    st.lists(st.sampled_from([True, True, False]), min_size=1, max_size=30),
    st.lists(st.integers(1, 400), min_size=1, max_size=20),
)
def test_whatever_is_lost_reader_and_client_end_with_the_truth(
    script: list[Step], arrivals: list[bool], pauses_ms: list[int]
) -> None:
    venue, feed = ScriptedVenue(step_ns=MINUTE_NS // 4), Feed()
    for record in venue.records:
        feed.apply(record)
    feed.begin()
    followers = {kind: Follower(kind) for kind in TYPES}
    fate = deque(arrivals)
    now_ns = 0

    def exchange(*, everything_arrives: bool) -> None:
        writes = feed.take_writes(now_ns)
        for name, data in writes.messages:
            kind = name.removeprefix("agio:").removesuffix(":BTCUSDT")
            fate.rotate()
            if (follower := followers.get(kind)) and (everything_arrives or fate[0]):
                message = msgspec.msgpack.decode(data, type=follower.message_type)
                follower.hand_up(follower.reader.receive(message))
        for key, data in writes.snapshots:
            kind = key.removeprefix("agio:snapshot:").removesuffix(":BTCUSDT")
            if follower := followers.get(kind):
                follower.snapshot = msgspec.msgpack.decode(data, type=follower.snapshot_type)
        heartbeat = msgspec.msgpack.decode(feed.heartbeat(now_ns), type=Heartbeat)
        for kind, follower in followers.items():
            if everything_arrives or fate[0]:
                follower.reader.receive_heartbeat(heartbeat.marks[f"{kind}:BTCUSDT"])
            if follower.reader.needs_snapshot and (everything_arrives or fate[-1]):
                follower.receive_snapshot()

    exchange(everything_arrives=True)
    for number, record in enumerate(play(venue, script)):
        feed.apply(record)
        feed.tick(record.timestamp_ns)
        now_ns += pauses_ms[number % len(pauses_ms)] * MILLISECOND_NS
        exchange(everything_arrives=False)
    now_ns += 10_000 * MILLISECOND_NS
    exchange(everything_arrives=True)

    for kind, follower in followers.items():
        truth = TYPES[kind][0]()
        truth.replace(follower.snapshot)
        assert not follower.reader.needs_snapshot
        assert follower.state(follower.view) == follower.state(truth)
        assert follower.state(follower.client) == follower.state(truth)
        assert follower.last_sequence == truth.sequence


def test_a_gap_loses_no_mark_of_a_trade_on_the_tape() -> None:
    first, second = (Print(number, 5, 100, 2, 200, True, 1, 2) for number in (1, 2))
    view = FeedTape()
    reader: ChannelReader[TradesPrinted, TradesSnapshot] = ChannelReader(view)
    reader.receive_snapshot(TradesSnapshot(10, 10, [first, second]))
    reader.receive(TradesPrinted(16, 14, 16, []))
    busted = msgspec.structs.replace(first, is_busted=True)
    corrected = msgspec.structs.replace(second, lots=1, quote_units=100, is_corrected=True)
    (bridge,) = reader.receive_snapshot(TradesSnapshot(16, 16, [busted, corrected]))
    assert (bridge.prints, list(view.prints)) == ([], [busted, corrected])
    assert bridge.amended == (AmendedTrade(1, 100, 0, 0), AmendedTrade(2, 100, 1, 100))

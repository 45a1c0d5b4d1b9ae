import msgspec
from hypothesis import given
from hypothesis import strategies as st

from marketdata.channel import MILLISECOND_NS, Writes
from marketdata.feed import Feed
from tests.marketdata.scripted_venue import (
    ETHUSDT,
    MINUTE_NS,
    NOON_NS,
    ScriptedVenue,
    Step,
    play,
    steps,
)
from vocabulary.market_data import (
    KINDS,
    CandlesChanged,
    DepthChanged,
    DepthSnapshot,
    Heartbeat,
    Mark,
    Message,
    TickerChanged,
    TradesPrinted,
    TradesSnapshot,
    channel,
    snapshot_key,
)
from vocabulary.types import Side

MESSAGE_TYPES: dict[str, type[Message]] = {
    "depth": DepthChanged,
    "trades": TradesPrinted,
    "ticker": TickerChanged,
    "candles": CandlesChanged,
}
LATER_NS = 10**12  # when anything is due


def begun(venue: ScriptedVenue) -> Feed:
    """Return a feed that has caught up and written its first snapshots at 0 ns."""
    feed = Feed()
    for record in venue.records:
        feed.apply(record)
    feed.begin()
    feed.take_writes(0)
    return feed


def messages_of(writes: Writes) -> list[tuple[str, Message]]:
    decoded: list[tuple[str, Message]] = []
    for name, data in writes.messages:
        kind = name.split(":")[1]
        decoded.append((name, msgspec.msgpack.decode(data, type=MESSAGE_TYPES[kind])))
    return decoded


def test_catching_up_is_silent_and_ends_with_every_snapshot() -> None:
    venue, feed = ScriptedVenue(), Feed()
    venue.trade(100, 5)
    bid = venue.buy(99, 3)
    for record in venue.records:
        feed.apply(record)
    feed.begin()
    messages, snapshots = feed.take_writes(0)
    assert messages == []
    assert {key for key, _ in snapshots} == {
        snapshot_key(channel(kind, "BTCUSDT")) for kind in KINDS
    }
    written = dict(snapshots)
    depth = msgspec.msgpack.decode(written["agio:snapshot:depth:BTCUSDT"], type=DepthSnapshot)
    assert (depth.sequence, depth.timestamp_ns) == (bid.sequence, bid.timestamp_ns)
    assert [(level.price_ticks, level.lots) for level in depth.bids] == [(99, 3)]
    trades = msgspec.msgpack.decode(written["agio:snapshot:trades:BTCUSDT"], type=TradesSnapshot)
    assert trades.sequence == bid.sequence - 1, "each channel has its own last sequence"
    assert len(trades.prints) == 1


def test_a_trade_is_told_before_the_change_of_the_book() -> None:
    venue = ScriptedVenue()
    venue.sell(100, 5)
    feed = begun(venue)
    feed.apply(venue.buy(100, 2))
    names = [name for name, _ in feed.take_writes(LATER_NS).messages]
    assert names[0] == "agio:trades:BTCUSDT"
    assert names[-1] == "agio:depth:BTCUSDT"
    assert len(names) == len(KINDS) - 1, "all but the status"


def test_changes_between_two_writes_become_one_message_per_channel() -> None:
    venue = ScriptedVenue()
    feed = begun(venue)
    for number in range(100):
        feed.apply(venue.buy(90 + number % 3, 1))
    ((name, message),) = messages_of(feed.take_writes(LATER_NS))
    assert name == "agio:depth:BTCUSDT"
    assert isinstance(message, DepthChanged)
    assert [level.lots for level in message.bids] == [34, 33, 33]
    assert message.sequence == venue.sequence
    assert feed.take_writes(LATER_NS).messages == []


@given(
    st.lists(steps, max_size=80),
    st.lists(st.integers(0, 400 * MILLISECOND_NS), min_size=1, max_size=20),
)
def test_every_channel_is_one_unbroken_chain(script: list[Step], pauses: list[int]) -> None:
    """Each message names its predecessor, each snapshot the message behind which it stands."""
    venue = ScriptedVenue(step_ns=MINUTE_NS // 4)
    feed = begun(venue)
    last: dict[str, int] = {}
    now_ns = 1
    for number, record in enumerate(play(venue, script)):
        feed.apply(record)
        feed.tick(record.timestamp_ns)
        now_ns += pauses[number % len(pauses)]
        if number % 3 == 0:
            writes = feed.take_writes(now_ns)
            for name, message in messages_of(writes):
                previous = last.get(name, message.previous_sequence)
                assert message.previous_sequence == previous
                assert message.sequence >= message.previous_sequence
                last[name] = message.sequence
            for key, data in writes.snapshots:
                name = key.replace("agio:snapshot:", "agio:")
                sequence = msgspec.msgpack.decode(data)[0]
                assert sequence == last.get(name, sequence)


def test_candles_and_ticker_are_told_at_most_four_times_a_second() -> None:
    venue = ScriptedVenue()
    feed = begun(venue)
    told = []
    for step in range(11):  # a trade each 50 ms
        venue.sell(100, 1)
        feed.apply(venue.records[-1])
        feed.apply(venue.buy(100, 1))
        names = {name for name, _ in feed.take_writes(step * 50 * MILLISECOND_NS).messages}
        assert "agio:trades:BTCUSDT" in names
        if "agio:candles:1m:BTCUSDT" in names:
            assert "agio:ticker:BTCUSDT" in names
            told.append(step)
    assert told == [0, 5, 10]


def test_a_channel_that_went_quiet_still_gets_its_last_message_and_snapshot() -> None:
    venue = ScriptedVenue()
    feed = begun(venue)
    for _ in range(2):
        venue.sell(100, 1)
        feed.apply(venue.records[-1])
        feed.apply(venue.buy(100, 1))
        feed.take_writes(1)
    messages, snapshots = feed.take_writes(LATER_NS)
    assert "agio:ticker:BTCUSDT" in {name for name, _ in messages}
    assert "agio:snapshot:trades:BTCUSDT" in {key for key, _ in snapshots}
    assert feed.take_writes(2 * LATER_NS) == ([], [])


def test_a_snapshot_waits_for_the_message_that_tells_what_is_in_it() -> None:
    venue = ScriptedVenue()
    feed = begun(venue)
    key = "agio:snapshot:ticker:BTCUSDT"
    for now_ns in (0, 1):
        venue.sell(100, 1)
        feed.apply(venue.records[-1])
        feed.apply(venue.buy(100, 1))
        writes = feed.take_writes(now_ns)
        assert ("agio:ticker:BTCUSDT" in dict(writes.messages)) == (now_ns == 0)
    feed.rewrite_snapshots()
    assert key not in dict(feed.take_writes(2).snapshots)
    assert key in dict(feed.take_writes(LATER_NS).snapshots)


def test_time_alone_closes_candles_in_the_same_chain() -> None:
    venue = ScriptedVenue(step_ns=0)
    venue.trade(100, 5)
    feed = begun(venue)
    feed.tick(NOON_NS + MINUTE_NS)
    messages = dict(messages_of(feed.take_writes(LATER_NS)))
    assert set(messages) == {"agio:candles:1m:BTCUSDT", "agio:ticker:BTCUSDT"}
    closing = messages["agio:candles:1m:BTCUSDT"]
    assert isinstance(closing, CandlesChanged)
    assert closing.sequence == closing.previous_sequence == venue.sequence
    assert closing.timestamp_ns == NOON_NS + MINUTE_NS
    assert closing.candles[0].closed


def test_an_instrument_listed_while_running_has_snapshots_before_its_first_message() -> None:
    venue = ScriptedVenue()
    feed = begun(venue)
    listed = venue.list_instrument(ETHUSDT, b"ETHUSDT", 2)
    feed.apply(listed)
    messages, snapshots = feed.take_writes(LATER_NS)
    assert messages == []
    assert {key for key, _ in snapshots} == {
        snapshot_key(channel(kind, "ETHUSDT")) for kind in KINDS
    }
    feed.apply(venue.enter(Side.BUY, 99, 1, instrument_id=ETHUSDT))
    ((name, message),) = messages_of(feed.take_writes(LATER_NS))
    assert name == "agio:depth:ETHUSDT"
    assert message.previous_sequence == listed.sequence


def test_the_heartbeat_tells_where_readers_of_every_message_stand() -> None:
    venue = ScriptedVenue()
    feed = begun(venue)
    bid = venue.buy(99, 1)
    feed.apply(bid)
    before = msgspec.msgpack.decode(feed.heartbeat(1), type=Heartbeat).marks["depth:BTCUSDT"]
    assert before.sequence < bid.sequence, "not told yet"
    feed.take_writes(LATER_NS)
    heartbeat = msgspec.msgpack.decode(feed.heartbeat(77), type=Heartbeat)
    assert heartbeat.timestamp_ns == 77
    assert heartbeat.marks["depth:BTCUSDT"] == Mark(bid.sequence, bid.timestamp_ns)
    assert set(heartbeat.marks) == {f"{kind}:BTCUSDT" for kind in KINDS}


def test_lost_snapshots_are_written_again_though_nothing_changed() -> None:
    feed = begun(ScriptedVenue())
    assert feed.take_writes(LATER_NS) == ([], [])
    feed.rewrite_snapshots()
    messages, snapshots = feed.take_writes(LATER_NS)
    assert messages == []
    assert {"BTCUSDT": [key for key, _ in snapshots]} == feed.snapshot_keys()

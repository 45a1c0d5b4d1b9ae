"""From messages to events, a symbol's: what comes out, and what is refused before it does harm."""

from collections import Counter
from typing import Any

import msgspec
import pytest

from tests.trading.feeds.samples import DEPTH, RECEIVED_NS, SNAPSHOT, STATUS, TRADE, btcusdt
from trading.events import (
    BookChanged,
    BookReset,
    FeedLost,
    InstrumentDefined,
    Level,
    PhaseChanged,
    TradePrinted,
)
from trading.feeds import schema
from trading.feeds.arbitration import PATIENCE_NS
from trading.feeds.rejects import Rejected, RejectedError, RejectReason
from trading.feeds.sequencer import Sequencer
from trading.feeds.symbol_feed import SymbolFeed

EXCHANGE_MS = RECEIVED_NS // 1_000_000 - 3
EXCHANGE_NS = EXCHANGE_MS * 1_000_000


class Feed:
    """A feed of BTCUSDT that was defined as number 1 and lost as number 2."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.rejected: list[Rejected] = []
        self.sequencer = Sequencer(0)
        self.feed = SymbolFeed(btcusdt(), self.sequencer, self.counts, self.rejected.append)
        self.feed.begin(EXCHANGE_NS, RECEIVED_NS, "the handler started")
        self.begun = self.sequencer.take()

    def snapshot(self, **changes: Any) -> list[Any]:
        message = schema.decode_depth_snapshot(SNAPSHOT)
        self.feed.receive_snapshot(msgspec.structs.replace(message, **changes), RECEIVED_NS)
        return self.sequencer.take()

    def status(self, phase: str, update_id: int) -> list[Any]:
        message = schema.decode_stream(STATUS)
        nothing = ("indicative_price", "indicative_quantity", "buyers_surplus", "sellers_surplus")
        changes: dict[str, Any] = dict.fromkeys(nothing, "0")
        changes |= {"phase": phase, "update_id": update_id}
        assert isinstance(message, schema.Status)
        self.feed.receive_status(msgspec.structs.replace(message, **changes), RECEIVED_NS)
        return self.sequencer.take()

    def update(self, previous: int, last: int, **changes: Any) -> list[Any]:
        message = schema.decode_stream(DEPTH)
        changes = {
            "event_time_ms": EXCHANGE_MS,
            "previous_update_id": previous,
            "first_update_id": previous + 1,
            "final_update_id": last,
            "bids": [],
            "asks": [],
        } | changes
        assert isinstance(message, schema.DepthUpdate)
        self.feed.receive_depth(msgspec.structs.replace(message, **changes), DEPTH, RECEIVED_NS)
        return self.sequencer.take()

    def trade(self, trade_id: int, **changes: Any) -> list[Any]:
        message = schema.decode_stream(TRADE)
        assert isinstance(message, schema.Trade)
        changes = {"trade_id": trade_id, "trade_time_ms": EXCHANGE_MS} | changes
        self.feed.receive_trade(msgspec.structs.replace(message, **changes), RECEIVED_NS)
        return self.sequencer.take()

    def tick(self, later_ns: int) -> list[Any]:
        self.feed.tick(RECEIVED_NS + later_ns)
        return self.sequencer.take()


def test_golden_events() -> None:
    feed = Feed()
    stamp = ("BTCUSDT", 0, EXCHANGE_NS, RECEIVED_NS)
    assert feed.begun == [
        InstrumentDefined(1, *stamp, "BTC", "USDT", 1, 2, 1, 5),
        FeedLost(2, "BTCUSDT", 0, RECEIVED_NS, RECEIVED_NS, "the handler started"),
    ]
    bids, asks = (
        (Level(10003, 19100), Level(10001, 100000)),
        (Level(10037, 800), Level(10040, 10000)),
    )
    assert feed.snapshot() == [BookReset(3, "BTCUSDT", 90, RECEIVED_NS, RECEIVED_NS, bids, asks)]
    assert feed.update(90, 92, bids=[("100.03", "0")]) == [
        BookChanged(4, "BTCUSDT", 92, EXCHANGE_NS, RECEIVED_NS, (Level(10003, 0),), ())
    ]
    assert feed.trade(25) == [
        TradePrinted(5, "BTCUSDT", 25, EXCHANGE_NS, RECEIVED_NS, 25, 10002, 16200, True)
    ]


def test_updates_before_the_snapshot_are_kept_for_it() -> None:
    feed = Feed()
    assert feed.update(85, 88) == []
    assert feed.update(88, 91, asks=[("100.38", "1")]) == []
    assert feed.update(91, 93) == []
    assert [(type(each), each.source_sequence) for each in feed.snapshot()] == [
        (BookReset, 90),
        (BookChanged, 91),
        (BookChanged, 93),
    ]


def test_a_snapshot_older_than_the_updates_is_not_taken() -> None:
    feed = Feed()
    feed.update(95, 96)
    assert feed.snapshot() == []
    assert feed.counts["snapshots_too_old"] == 1
    assert [each.source_sequence for each in feed.snapshot(last_update_id=95)] == [95, 96]


def test_a_first_update_that_does_not_span_the_snapshot_loses_the_book() -> None:
    feed = Feed()
    feed.snapshot()
    (lost,) = feed.update(95, 96)
    assert isinstance(lost, FeedLost)
    assert [each.source_sequence for each in feed.snapshot(last_update_id=96)] == [96]


def test_a_gap_loses_the_book_and_a_snapshot_brings_it_back() -> None:
    feed = Feed()
    feed.snapshot()
    feed.update(90, 91)
    assert feed.update(92, 93) == []
    assert feed.tick(PATIENCE_NS - 1) == []
    (lost,) = feed.tick(PATIENCE_NS)
    assert (type(lost), lost.reason) == (FeedLost, "updates 92 to 92 are missing")
    assert [each.source_sequence for each in feed.snapshot(last_update_id=92)] == [92, 93]


def test_missing_trades_are_told_and_leave_the_book_whole() -> None:
    feed = Feed()
    feed.snapshot()
    feed.trade(1)
    assert feed.trade(4) == []
    lost, reset, printed = feed.tick(PATIENCE_NS)
    assert (type(lost), lost.reason) == (FeedLost, "trades 2 to 3 are missing")
    assert (type(reset), reset.source_sequence) == (BookReset, 90)
    assert (type(printed), printed.trade_id) == (TradePrinted, 4)


def test_a_crossed_book_is_no_book() -> None:
    feed = Feed()
    feed.snapshot()
    (lost,) = feed.update(90, 91, bids=[("100.37", "1")])
    assert isinstance(lost, FeedLost)
    assert [each.reason for each in feed.rejected] == [RejectReason.CROSSED]
    assert feed.feed.book is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"bids": [("100.035", "1")]}, RejectReason.OFF_TICK),
        ({"bids": [("100.03", "0.000001")]}, RejectReason.OFF_TICK),
        ({"bids": [("100.03", "-1")]}, RejectReason.OFF_TICK),
        ({"bids": [("1e2", "1")]}, RejectReason.OFF_TICK),
        ({"bids": [("99999999999999", "1")]}, RejectReason.OFF_TICK),
        ({"bids": [("0", "1")]}, RejectReason.INCONSISTENT),
        ({"bids": [("100.03", "1"), ("100.030", "2")]}, RejectReason.INCONSISTENT),
        ({"event_time_ms": EXCHANGE_MS + 3_700_000}, RejectReason.CLOCK),
        ({"event_time_ms": 0}, RejectReason.CLOCK),
    ],
)
def test_an_update_that_does_not_fit_changes_nothing(
    changes: dict[str, Any], reason: RejectReason
) -> None:
    feed = Feed()
    feed.snapshot()
    with pytest.raises(RejectedError) as refused:
        feed.update(90, 91, **changes)
    assert refused.value.reason is reason
    assert [each.source_sequence for each in feed.update(90, 91)] == [91]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"bids": [("100.01", "1"), ("100.03", "1")]}, RejectReason.INCONSISTENT),
        ({"bids": [("100.03", "0")]}, RejectReason.INCONSISTENT),
        ({"bids": [("100.37", "1")]}, RejectReason.CROSSED),
        ({"bids": [("100.38", "1")]}, RejectReason.CROSSED),
        ({"bids": [("100.005", "1")]}, RejectReason.OFF_TICK),
    ],
)
def test_a_snapshot_that_does_not_fit_is_refused(
    changes: dict[str, Any], reason: RejectReason
) -> None:
    feed = Feed()
    with pytest.raises(RejectedError) as refused:
        feed.snapshot(**changes)
    assert refused.value.reason is reason
    assert feed.feed.book is None


@pytest.mark.parametrize("changes", [{"price": "100.001"}, {"price": "0"}, {"quantity": "0"}])
def test_a_trade_that_does_not_fit_is_refused(changes: dict[str, str]) -> None:
    feed = Feed()
    with pytest.raises(RejectedError):
        feed.trade(1, **changes)


@pytest.mark.parametrize(
    ("times_ms", "fault"),
    [((0, 1_500), "future"), ((0, -2), "backwards"), ((-9_000, -8_000), "old")],
)
def test_a_remarkable_time_is_counted_and_let_through(
    times_ms: tuple[int, int], fault: str
) -> None:
    feed = Feed()
    feed.snapshot()
    for number, off_ms in enumerate(times_ms):
        assert feed.update(90 + number, 91 + number, event_time_ms=EXCHANGE_MS + off_ms)
    assert feed.counts[f"clock_{fault}"] > 0


def test_a_book_that_stays_crossed_after_its_auction_is_a_fault() -> None:
    feed = Feed()
    feed.snapshot(last_update_id=90)
    crossed: list[Any] = [("101.00", "1.00000")]
    [began] = feed.status("OPENING_AUCTION", 91)
    assert isinstance(began, PhaseChanged)
    assert feed.update(90, 92, bids=crossed) == []
    [ended] = feed.status("TRADING", 95)
    assert isinstance(ended, PhaseChanged)
    assert feed.update(92, 94, asks=[("100.90", "1.00000")]) == []  # from before its end
    [lost] = feed.update(94, 95, asks=[("100.80", "1.00000")])
    assert isinstance(lost, FeedLost)
    assert "crosses" in lost.reason


def test_a_status_that_is_told_again_or_late_changes_nothing() -> None:
    feed = Feed()
    feed.snapshot(last_update_id=90)
    assert feed.status("TRADING", 80) == []
    assert len(feed.status("HALTED", 91)) == 1
    assert feed.status("HALTED", 91) == []
    assert feed.status("TRADING", 85) == []
    with pytest.raises(RejectedError, match="phase"):
        feed.status("LUNCH", 92)

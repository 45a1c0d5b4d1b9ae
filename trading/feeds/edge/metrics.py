"""What the handler's counts tell Prometheus."""

from __future__ import annotations

from collections import Counter as Counts

from prometheus_client import Counter, Gauge

from trading.feeds.clock_check import ClockFault
from trading.feeds.handler import FeedHandler
from trading.feeds.rejects import RejectReason

MESSAGES = Counter("agio_feeds_messages", "Stream messages received")
SEQUENCE = Gauge("agio_feeds_sequence", "Last stream_sequence")
LAG_SECONDS = Gauge("agio_feeds_lag_seconds", "Age on arrival of the oldest of the latest messages")
GAPS = Counter("agio_feeds_gaps", "Gaps that no connection filled")
GAPS_FILLED = Counter("agio_feeds_gaps_filled", "Gaps of one connection filled from another")
DUPLICATES = Counter("agio_feeds_duplicates", "Messages that another connection brought first")
RESYNCS = Counter("agio_feeds_resyncs", "Books begun anew, the first time included")
TOO_OLD = Counter("agio_feeds_snapshots_too_old", "Snapshots older than the updates at hand")
DISCONNECTS = Counter("agio_feeds_disconnects", "Connections to a source that were lost")
REJECTED = Counter("agio_feeds_rejected", "Messages in quarantine", ["reason"])
CLOCK_FAULTS = Counter("agio_feeds_clock_faults", "Remarkable times of a source", ["fault"])
CONNECTED = Gauge("agio_feeds_sources_connected", "Sources connected")
IN_SYNC = Gauge("agio_feeds_books_in_sync", "Books in sync")
OWN = Counter("agio_feeds_own_events", "Own events put into the stream")
OWN_REPEATS = Counter("agio_feeds_own_repeats", "Own events that stood in the stream already")
SUBSCRIBERS = Gauge("agio_feeds_subscribers", "Subscribers over TCP")
REPORTERS = Gauge("agio_feeds_reporters", "Execution engines connected to the reports port")

_COUNTERS = {
    "messages": MESSAGES,
    "gaps": GAPS,
    "gaps_filled": GAPS_FILLED,
    "duplicates": DUPLICATES,
    "resyncs": RESYNCS,
    "own_events": OWN,
    "own_repeats": OWN_REPEATS,
    "snapshots_too_old": TOO_OLD,
    "disconnects": DISCONNECTS,
    **{f"rejected_{reason}": REJECTED.labels(reason) for reason in RejectReason},
    **{f"clock_{fault}": CLOCK_FAULTS.labels(fault) for fault in ClockFault},
}


class FeedMetrics:
    """Brings the metrics up to what a handler has counted."""

    def __init__(self) -> None:
        self._told: Counts[str] = Counts()

    def update(self, handler: FeedHandler, subscribers: int, reporters: int) -> None:
        for name, counter in _COUNTERS.items():
            counter.inc(handler.counts[name] - self._told[name])
            self._told[name] = handler.counts[name]
        SEQUENCE.set(handler.sequencer.last)
        LAG_SECONDS.set(handler.take_lag_ns() / 1e9)
        CONNECTED.set(len(handler.connected))
        IN_SYNC.set(sum(feed.book is not None for feed in handler.feeds.values()))
        SUBSCRIBERS.set(subscribers)
        REPORTERS.set(reporters)

"""What the alpha generator's counts tell Prometheus."""

from __future__ import annotations

from collections import Counter as Counts

from prometheus_client import Counter, Gauge, Histogram

from trading.alpha.generator import Generator

EVENTS = Counter("agio_alpha_events", "Events of the stream")
DECISIONS = Counter("agio_alpha_decisions", "Decisions made, led here or not")
SENT = Counter("agio_alpha_decisions_sent", "Decisions sent to the execution engines, again or not")
TAKEOVERS = Counter("agio_alpha_takeovers", "Leases gained")
DROPPED = Gauge("agio_alpha_dropped", "What strategies wanted and could not be, over the run")
UNTAKEN = Gauge("agio_alpha_untaken_decisions", "Decisions that no execution engine has taken over")
LAG_SECONDS = Gauge("agio_alpha_lag_seconds", "Age on arrival of the newest event")
SEQUENCE = Gauge("agio_alpha_sequence", "Last stream_sequence")
LEADS = Gauge("agio_alpha_leads", "Symbols led here")
SUBSCRIBERS = Gauge("agio_alpha_subscribers", "Execution engines connected")
LATENCY_SECONDS = Histogram(
    "agio_alpha_feed_to_decision_seconds",
    "From the feeds handler's receipt of an event to the sending of what was decided at it",
    buckets=(0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0),
)


class AlphaMetrics:
    """Brings the metrics up to what a generator has counted."""

    def __init__(self) -> None:
        self._told: Counts[str] = Counts()

    def update(self, generator: Generator) -> None:
        for name, counter in (("events", EVENTS), ("decisions", DECISIONS)):
            counter.inc(generator.counts[name] - self._told[name])
            self._told[name] = generator.counts[name]
        SEQUENCE.set(generator.sequence)
        UNTAKEN.set(sum(len(machine.untaken) for machine in generator.machines))
        DROPPED.set(sum(machine.dropped for machine in generator.machines))

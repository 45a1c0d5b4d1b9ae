"""What an engine's counts tell Prometheus."""

from __future__ import annotations

from collections import Counter as Counts

from prometheus_client import Counter, Gauge, Histogram

from trading.execution.engine import Engine

_BUCKETS = (5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.5, 1, 5)

DECISIONS = Counter("agio_execution_decisions_taken", "Decisions taken over")
FENCED = Counter("agio_execution_decisions_fenced", "Decisions of leaders that were replaced")
UNKNOWN_DECISIONS = Counter("agio_execution_decisions_unknown", "Decisions of another run")
ORDERS = Counter("agio_execution_orders", "Orders sent, sent again included")
RESENT = Counter("agio_execution_orders_resent", "Orders sent again after `no such order`")
CANCELS = Counter("agio_execution_cancels", "Cancels sent")
REPORTS = Counter("agio_execution_reports", "Order reports put into the stream")
REFUSALS = Counter(
    "agio_execution_refusals", "Orders refused, by limit, or by the venue", ["limit"]
)
UNKNOWN = Counter("agio_execution_unknown_outcomes", "Orders of which nobody could tell")
ASKED = Counter("agio_execution_questions", "Questions after an order, by client order id")
FORGOTTEN = Counter("agio_execution_orders_forgotten", "Open orders that the venue did not know")
LATENCY = Histogram(
    "agio_execution_latency_seconds",
    "By hop: decision, from the event's receipt by the feed; send, from the decision's receipt to "
    "the order's leaving; report, from there to the venue's first word",
    ["hop"],
    buckets=_BUCKETS,
)
OPEN_ORDERS = Gauge("agio_execution_open_orders", "Open orders of the strategy here", ["strategy"])
POSITION = Gauge("agio_execution_position_lots", "Position", ["strategy", "symbol"])
RESULT = Gauge("agio_execution_day_result_units", "Result of the day", ["strategy", "symbol"])
KILLED = Gauge("agio_execution_kill_switches", "Kill switches that are pulled")
SYMBOLS = Gauge("agio_execution_symbols", "Symbols acted on here")
DIFFERENCES = Gauge("agio_execution_differences", "How much is off to the venue", ["strategy"])
AUDITS = Counter("agio_execution_audits", "Comparisons with the venue", ["strategy"])

_COUNTERS = {
    "decisions_taken": DECISIONS,
    "decisions_fenced": FENCED,
    "decisions_unknown": UNKNOWN_DECISIONS,
    "orders_sent": ORDERS,
    "resent": RESENT,
    "cancels_sent": CANCELS,
    "reports": REPORTS,
    "unknown": UNKNOWN,
    "asked": ASKED,
    "forgotten": FORGOTTEN,
}


class ExecutionMetrics:
    """Brings the metrics up to what an engine has counted."""

    def __init__(self) -> None:
        self._told: Counts[str] = Counts()

    def update(self, engine: Engine) -> None:
        counts = engine.outbox.counts
        for name, count in counts.items():
            more = count - self._told[name]
            if more and name in _COUNTERS:
                _COUNTERS[name].inc(more)
            elif more and name.startswith("refused_"):
                REFUSALS.labels(name.removeprefix("refused_")).inc(more)
            self._told[name] = count
        for hop, delay_ns in engine.outbox.delays:
            LATENCY.labels(hop).observe(delay_ns / 1e9)
        engine.outbox.delays.clear()
        for entry in engine.run.strategies:
            OPEN_ORDERS.labels(entry.name).set(len(engine.open_orders(entry.name)))
        for (strategy, symbol), trader in engine.traders.items():
            POSITION.labels(strategy, symbol).set(trader.orders.holdings.lots)
            RESULT.labels(strategy, symbol).set(trader.day.result_units)
        SYMBOLS.set(len(engine.acting_on))

"""The traced orders of an execution engine, from the decision's arrival to the venue's report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from trading.decisions import Action, Decision, Envelope, OrderName
from trading.execution import venue as v
from trading.tracing import instance_of
from vocabulary.tracing import Passage, Tracing

NOTED_MAX = 1_000
"""How many traced orders may be under way; the oldest are forgotten, as are those never sent."""


@dataclass(slots=True)
class _Noted:
    """Times, UTC nanoseconds, of a traced order; 0 where it has not come to that."""

    decision: Decision
    decided_ns: int
    received_ns: int
    passed_ns: int = 0
    sent_ns: int = 0


class OrderTraces:
    """Notes the times of the traced orders, and tells of them at the venue's first word.

    `received_ns` tells when the feeds handler received an event, None if that is not known.
    """

    def __init__(self, tracing: Tracing, received_ns: Callable[[int], int | None]) -> None:
        self._tracing = tracing
        self._received_ns = received_ns
        self._noted: dict[OrderName, _Noted] = {}

    def on_envelopes(self, envelopes: Iterable[Envelope], now_ns: int) -> None:
        """Note decisions as they come."""
        for _, decided_ns, decision in envelopes:
            is_order = decision.action is Action.PLACE
            if is_order and self._tracing.samples(decision.cause):
                name = OrderName(
                    decision.strategy, decision.symbol, decision.epoch, decision.number
                )
                self._noted.setdefault(name, _Noted(decision, decided_ns, now_ns))
        while len(self._noted) > NOTED_MAX:
            del self._noted[next(iter(self._noted))]

    def on_sent(self, requests: Iterable[v.Request], passed_ns: int, now_ns: int) -> None:
        """Note orders that have passed the limits at `passed_ns` and left."""
        for request in requests:
            noted = self._noted.get(request.name)
            if noted is not None and isinstance(request, v.PlaceOrder):
                noted.passed_ns, noted.sent_ns = passed_ns, now_ns

    def on_reports(self, reports: Iterable[v.VenueReport], now_ns: int) -> None:
        """Tell of the orders that the venue has answered."""
        for report in reports:
            noted = self._noted.get(report.name)
            if noted is not None and noted.sent_ns:
                del self._noted[report.name]
                sequence = report.sequence if isinstance(report, v.Accepted | v.Traded) else 0
                self._tell(noted, sequence, now_ns)

    def _tell(self, noted: _Noted, venue_sequence: int, reported_ns: int) -> None:
        decision = noted.decision
        caused_ns = self._received_ns(decision.cause)
        if caused_ns is None:
            return
        attributes: dict[str, str | int] = {"agio.client_order_id": decision.client_order_id}
        if venue_sequence:
            attributes["agio.venue_sequence"] = venue_sequence
        for hop, start_ns, end_ns in (
            ("execution.receive", noted.decided_ns, noted.received_ns),
            ("execution.risk", noted.received_ns, noted.passed_ns),
            ("execution.send", noted.passed_ns, noted.sent_ns),
            ("execution.order", noted.sent_ns, reported_ns),
        ):
            records = [(decision.cause, caused_ns)]
            passage = Passage(hop, start_ns, end_ns, records, attributes, instance_of(decision))
            self._tracing.emit(passage)

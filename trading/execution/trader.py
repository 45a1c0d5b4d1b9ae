"""Acts for one strategy in one symbol: decisions in, orders to the venue, reports to the stream.

An order is sent once. Where nobody can tell what became of it, because an answer did not come, a
connection broke or another instance held the symbol before, the venue is asked for it by its client
order id. Only "no such order" lets it be sent again; the id makes even that safe, as the venue
answers a repeat with the first one. An order is refused in the stream only if it can't be on its
way to the venue any more.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from trading.decisions import Action, Decision, OrderName, parse_client_order_id
from trading.events import OrderReported, OwnEvent, ReportKind, TradeAmended, decision_taken
from trading.execution import own_events
from trading.execution import venue as v
from trading.execution.holdings import DayResult
from trading.execution.market import Middle, StreamTimes
from trading.execution.risk import KillSwitches, Refusal, RiskLimits
from trading.execution.strategy_orders import OpenOrder, Phase, StrategyOrders

KILL_PREFIX = "kill."
"""Begins the client order id of a cancel that no strategy has decided."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the engine waits, in nanoseconds."""

    decision_age_max_ns: int = 2_000_000_000
    """An order is not sent when the event that made it is older."""
    answer_ns: int = 2_000_000_000
    """Without word from the venue for so long, it is asked; again and again."""
    settled_ns: int = 10_000_000_000
    """So long after it was sent, an order that the venue does not know will not come any more."""
    stream_age_max_ns: int = 2_000_000_000
    """No order is sent while nothing has come from the stream for so long."""


@dataclass(slots=True)
class Outbox:
    """What an instance's traders have to say, in order."""

    requests: list[v.Request] = field(default_factory=list)
    events: list[OwnEvent] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    delays: list[tuple[str, int]] = field(default_factory=list)
    """Nanoseconds that a hop took, `decision`: from the event to its decision in our hands; or
    `report`: from the order's leaving to the venue's first word of it."""


class Trader:
    """What an instance does while it holds the symbol; the owner sees to it that it does."""

    def __init__(
        self,
        orders: StrategyOrders,
        limits: RiskLimits,
        day: DayResult,
        middle: Middle,
        times: StreamTimes,
        switches: KillSwitches,
        patience: Patience,
        outbox: Outbox,
    ) -> None:
        self.orders = orders
        self.limits = limits
        self.day = day
        self.is_link_ready = False
        self._middle = middle
        self._times = times
        self._switches = switches
        self._patience = patience
        self._outbox = outbox
        self._waiting: dict[int, tuple[Decision, int]] = {}
        self._held_since_ns = 0
        self._fills_asked_ns = 0

    # The stream

    def apply(self, event: OwnEvent) -> None:
        is_new = self.orders.apply(event)
        if is_new and isinstance(event, TradeAmended):
            # Another instance told of it; whether that is the last of it, the venue knows.
            self._ask_fills(event.received_ns)
        self._waiting.pop(self.orders.last_taken, None)

    def mark(self, now_ns: int) -> None:
        """Value the holdings at the book's middle, if it is known."""
        twice_ticks = self._middle.twice_ticks
        if twice_ticks:
            self.day.mark(self.orders.holdings, twice_ticks, now_ns)

    # Holding the symbol

    def begin(self, since_ns: int, now_ns: int) -> None:
        """Start to act: nothing that another instance has left half done is taken for granted.

        `since_ns`: nobody else has sent anything after that.
        """
        self._held_since_ns = since_ns
        for order in self.orders.open.values():
            order.phase = Phase.UNKNOWN
            order.cancel_sent_ns = 0
        for number, cancel in list(self.orders.cancels.items()):
            if cancel.order not in self.orders.open:
                self._refuse_cancel(number, "the order is not open", now_ns)
        if self.is_link_ready:
            self.connected(now_ns)

    def connected(self, now_ns: int) -> None:
        """Ask how everything stands: what was reported while the link was away has been missed."""
        self._ask_fills(now_ns)  # first: with what was undone, orders have traded less
        for order in list(self.orders.open.values()):
            self._ask(order, now_ns)

    def disconnected(self) -> None:
        self._fills_asked_ns = 0
        for order in self.orders.open.values():
            if order.phase is Phase.SENT:
                self._outbox.counts["unknown"] += 1
                order.phase = Phase.UNKNOWN
            order.cancel_sent_ns = 0

    def tick(self, now_ns: int) -> None:
        """Ask for what has not been answered for too long."""
        self.advance(now_ns)
        if not self.is_link_ready:
            return
        overdue_ns = now_ns - self._patience.answer_ns
        if self._fills_asked_ns and self._fills_asked_ns <= overdue_ns:
            self._ask_fills(now_ns)
        for order in list(self.orders.open.values()):
            if order.phase is Phase.SENT and order.sent_ns <= overdue_ns:
                self._outbox.counts["unknown"] += 1
                self._ask(order, now_ns)
            elif (order.phase is Phase.UNKNOWN and order.asked_ns <= overdue_ns) or (
                order.cancel_sent_ns and order.cancel_sent_ns <= overdue_ns
            ):
                self._ask(order, now_ns)

    def kill(self, now_ns: int) -> None:
        """Cancel what is open."""
        for order in list(self.orders.open.values()):
            self._cancel_if_wanted(order, now_ns)

    # Decisions

    def receive(self, decision: Decision, received_ns: int) -> None:
        """Keep a decision until it is its turn, whoever will take it."""
        if decision.number > self.orders.last_taken:
            self._waiting.setdefault(decision.number, (decision, received_ns))

    def advance(self, now_ns: int) -> None:
        """Take the decisions whose turn it is, as far as they can be carried out."""
        while (next_one := self._waiting.get(self.orders.last_taken + 1)) is not None:
            decision, received_ns = next_one
            if not self._can_take(decision, now_ns):
                return
            self._take(decision, received_ns, now_ns)

    def _can_take(self, decision: Decision, now_ns: int) -> bool:
        if self.is_link_ready and self._is_stream_fresh(now_ns):
            return True
        # Without link or stream nothing is sent; but its strategy need not wait for ever.
        return decision.action is Action.PLACE and self._is_too_old(decision.cause, now_ns)

    def _take(self, decision: Decision, received_ns: int, now_ns: int) -> None:
        del self._waiting[decision.number]
        self._emit(decision_taken(decision, now_ns))
        self._outbox.counts["decisions_taken"] += 1
        caused_ns = self._times.received_ns(decision.cause)
        if caused_ns is not None:
            self._outbox.delays.append(("decision", received_ns - caused_ns))
        if decision.action is Action.CANCEL:
            self._take_cancel(decision, now_ns)
            return
        order = self.orders.open[decision.number]
        if self._may_be_sent_already(decision.cause):
            self._ask(order, now_ns)
        else:
            self._send_or_refuse(order, now_ns)

    def _take_cancel(self, decision: Decision, now_ns: int) -> None:
        order = self.orders.open.get(decision.order)
        if order is None:
            self._refuse_cancel(decision.number, "the order is not open", now_ns)
        elif order.phase is not Phase.UNKNOWN:
            self._cancel(order, decision.client_order_id, now_ns)

    def _may_be_sent_already(self, cause: int) -> bool:
        """Say whether who held the symbol before may have taken the decision and died over it."""
        if cause > self._times.last_sequence:
            return False
        caused_ns = self._times.received_ns(cause)
        return caused_ns is None or caused_ns <= self._held_since_ns

    def _is_too_old(self, cause: int, now_ns: int) -> bool:
        if cause > self._times.last_sequence:
            return False
        caused_ns = self._times.received_ns(cause)
        return caused_ns is None or now_ns - caused_ns > self._patience.decision_age_max_ns

    def _is_stream_fresh(self, now_ns: int) -> bool:
        return now_ns - self._times.last_received_ns <= self._patience.stream_age_max_ns

    def _send_or_refuse(self, order: OpenOrder, now_ns: int) -> None:
        """Send an order that the venue does not have, or report why not."""
        refusal = self._refusal(order, now_ns)
        if refusal is None:
            order.phase = Phase.SENT
            order.sent_ns = now_ns
            self._outbox.counts["orders_sent"] += 1
            self._outbox.requests.append(
                v.PlaceOrder(order.name, order.side, order.price_ticks, order.lots, order.style)
            )
            return
        if self._is_on_its_way(order, now_ns):
            return  # `tick` asks again
        self._outbox.counts[f"refused_{refusal.limit}"] += 1
        self._emit(own_events.refused(order, refusal.text, now_ns, by_risk=True))
        self._finish(order, now_ns)

    def _refusal(self, order: OpenOrder, now_ns: int) -> Refusal | None:
        killed = self._switches.refusal(order.name.strategy)
        if killed is not None:
            return killed
        if self._is_too_old(order.cause, now_ns):
            most_ms = self._patience.decision_age_max_ns // 1_000_000
            text = f"decision_age_max: the event that made it is over {most_ms} ms old"
            return Refusal("decision_age_max", text)
        exposure = self.orders.exposure(order, now_ns, self._middle.twice_ticks)
        return self.limits.refusal(order.side, order.price_ticks, order.lots, exposure)

    def _is_on_its_way(self, order: OpenOrder, now_ns: int) -> bool:
        """Say whether it may have been sent, and not arrived, though the venue denies it."""
        last_sent_ns = order.sent_ns
        if self._may_be_sent_already(order.cause):
            last_sent_ns = max(last_sent_ns, self._held_since_ns)
        return bool(last_sent_ns) and now_ns - last_sent_ns < self._patience.settled_ns

    # The venue

    def on_report(self, report: v.VenueReport, now_ns: int) -> None:
        order = self.orders.open.get(report.name.number)
        if isinstance(report, v.CancelRefused):
            self._on_cancel_refused(report, order, now_ns)
            return
        if isinstance(report, v.Amended):
            self._on_amended(report.fill, now_ns)
            return
        if isinstance(report, v.TradesFound) and not report.name.number:
            self._on_fills_found(report, now_ns)
            return
        if order is None:  # it has ended, or it was never taken
            return
        if order.phase is Phase.SENT and not isinstance(report, v.OutcomeUnknown):
            self._outbox.delays.append(("report", now_ns - order.sent_ns))
        match report:
            case v.Accepted():
                self._accept(order, report.sequence, report.time_ns)
                self._cancel_if_wanted(order, now_ns)
            case v.Traded():
                self._on_trade(order, report, now_ns)
            case v.Ended():
                self._on_end(order, report, now_ns)
            case v.Refused():
                if not order.is_accepted:
                    self._outbox.counts["refused_by_venue"] += 1
                    self._emit(own_events.refused(order, report.reason, now_ns, by_risk=False))
                    self._finish(order, now_ns)
            case v.OutcomeUnknown():
                self._outbox.counts["unknown"] += 1
                self._ask(order, now_ns)
            case v.OrderFound():
                self._on_found(order, report, now_ns)
            case v.NoSuchOrder():
                self._on_no_such_order(order, now_ns)
            case v.TradesFound():
                self._on_trades_found(order, report, now_ns)

    def _accept(self, order: OpenOrder, sequence: int, time_ns: int) -> None:
        order.phase = Phase.WORKING
        if not order.is_accepted:
            self._emit(own_events.accepted(order, sequence, time_ns))

    def _on_trade(self, order: OpenOrder, fill: v.Traded, now_ns: int) -> None:
        if fill.trade_id in order.trade_ids:
            return
        self._accept(order, fill.sequence, fill.time_ns)
        if fill.cumulative_lots != order.cumulative_lots + fill.lots:
            self._ask(order, now_ns)  # one has been missed, and is among the answer's
            return
        self._trade(order, fill, now_ns)

    def _trade(self, order: OpenOrder, fill: v.Traded, now_ns: int) -> None:
        self._emit(own_events.traded(order, fill))
        self.mark(now_ns)
        if not order.leaves_lots:
            self._finish(order, now_ns)

    def _on_amended(self, fill: v.Traded, now_ns: int) -> None:
        known = self.orders.fills.get((fill.trade_id, fill.side))
        if known is None:  # it has been missed, or was longer ago than is known
            order = self.orders.open.get(fill.name.number)
            if order is not None:
                self._ask(order, now_ns)
            return
        if known.terms != (fill.price_ticks, fill.lots, fill.fee_units):
            self._outbox.counts["amended"] += 1
            self._emit(own_events.amended(self.orders, known, fill))
            self.mark(now_ns)

    def _on_fills_found(self, answer: v.TradesFound, now_ns: int) -> None:
        """Take in what was amended while the link was away; what was traded is asked by order."""
        self._fills_asked_ns = 0
        for fill in answer.fills:
            self._on_amended(fill, now_ns)

    def _on_end(self, order: OpenOrder, end: v.Ended, now_ns: int) -> None:
        self._accept(order, end.sequence, end.time_ns)
        if end.cumulative_lots != order.cumulative_lots:
            self._ask(order, now_ns)
            return
        by = parse_client_order_id(end.by)
        number = by.number if by is not None and by.number in self.orders.cancels else 0
        self._emit(own_events.ended(order, end, number))
        self._finish(order, now_ns)

    def _on_cancel_refused(
        self, report: v.CancelRefused, order: OpenOrder | None, now_ns: int
    ) -> None:
        by = parse_client_order_id(report.client_order_id)
        if by is not None and by.number in self.orders.cancels:
            self._refuse_cancel(by.number, report.reason, now_ns)
        if order is not None:  # what ended it may have been missed: `tick` asks
            order.phase = Phase.UNKNOWN
            order.asked_ns = now_ns
            order.cancel_sent_ns = 0

    def _on_found(self, order: OpenOrder, found: v.OrderFound, now_ns: int) -> None:
        self._accept(order, 0, found.time_ns)
        order.found = found
        order.cancel_sent_ns = 0
        if found.cumulative_lots != order.cumulative_lots:
            self._outbox.requests.append(v.AskTrades(order.name, found.order_id))
        else:
            self._settle(order, found, now_ns)

    def _on_trades_found(self, order: OpenOrder, answer: v.TradesFound, now_ns: int) -> None:
        for fill in sorted(answer.fills, key=lambda each: each.trade_id):
            if fill.trade_id in order.trade_ids:
                self._on_amended(fill, now_ns)
            elif fill.lots:
                self._trade(order, fill, now_ns)
        if order.found is not None and order.leaves_lots:
            self._settle(order, order.found, now_ns)

    def _settle(self, order: OpenOrder, found: v.OrderFound, now_ns: int) -> None:
        """Make the stream say what the venue said of an order whose fills are all known."""
        if found.ended is None:
            self._cancel_if_wanted(order, now_ns)
            return
        if found.cumulative_lots != order.cumulative_lots:
            order.phase = Phase.UNKNOWN  # a fill is missing still: `tick` asks again
            return
        cancels = self.orders.cancels_of(order.name.number)
        is_asked_for = found.ended is ReportKind.CANCELED and cancels
        end = v.Ended(
            order.name, found.ended, found.cumulative_lots, "", "as the venue has it", 0,
            found.time_ns,
        )  # fmt: skip
        self._emit(own_events.ended(order, end, cancels[0] if is_asked_for else 0))
        self._finish(order, now_ns)

    def _on_no_such_order(self, order: OpenOrder, now_ns: int) -> None:
        if not order.is_accepted:
            if order.sent_ns:
                self._outbox.counts["resent"] += 1
            self._send_or_refuse(order, now_ns)
            return
        # It has ended, longer ago than the venue remembers.
        self._outbox.counts["forgotten"] += 1
        end = v.Ended(
            order.name, ReportKind.EXPIRED, order.cumulative_lots, "",
            "the venue does not know it any more", 0, now_ns,
        )  # fmt: skip
        self._emit(own_events.ended(order, end, 0))
        self._finish(order, now_ns)

    # What leaves

    def _ask(self, order: OpenOrder, now_ns: int) -> None:
        order.phase = Phase.UNKNOWN
        order.asked_ns = now_ns
        order.found = None
        if self.is_link_ready:
            self._outbox.counts["asked"] += 1
            self._outbox.requests.append(v.AskOrder(order.name))

    def _ask_fills(self, now_ns: int) -> None:
        """Ask how the fills stand that are known: they may have been amended."""
        fills = self.orders.fills
        if fills and self.is_link_ready:
            self._fills_asked_ns = now_ns
            name = OrderName(self.orders.strategy, self.orders.symbol, self.orders.epoch, 0)
            self._outbox.requests.append(v.AskFills(name, min(fills)[0]))

    def _cancel_if_wanted(self, order: OpenOrder, now_ns: int) -> None:
        if order.phase is Phase.UNKNOWN or order.cancel_sent_ns:
            return
        cancels = self.orders.cancels_of(order.name.number)
        if cancels:
            by = order.name._replace(number=cancels[-1]).client_order_id
            self._cancel(order, by, now_ns)
        elif self._switches.refusal(order.name.strategy) is not None:
            self._cancel(order, kill_order_id(order.name), now_ns)

    def _cancel(self, order: OpenOrder, client_order_id: str, now_ns: int) -> None:
        order.cancel_sent_ns = now_ns
        self._outbox.counts["cancels_sent"] += 1
        self._outbox.requests.append(v.CancelOrder(order.name, order.side, client_order_id))

    def _refuse_cancel(self, number: int, reason: str, now_ns: int) -> None:
        cancel = self.orders.cancels[number]
        self._emit(own_events.cancel_refused(self.orders, number, cancel, reason, now_ns))

    def _finish(self, order: OpenOrder, now_ns: int) -> None:
        """Answer the decisions to cancel an order that has ended otherwise."""
        for number in self.orders.cancels_of(order.name.number):
            self._refuse_cancel(number, "the order is not open any more", now_ns)

    def _emit(self, event: OwnEvent) -> None:
        self.orders.apply(event)
        if isinstance(event, OrderReported):
            self._outbox.counts["reports"] += 1
        self._outbox.events.append(event)


def kill_order_id(name: OrderName) -> str:
    """Return the client order id of the cancel of an order whose strategy was stopped."""
    return f"{KILL_PREFIX}{name.strategy}.{name.number}"

"""The execution engine of one instance: decisions, events and reports in, requests and events out.

No sockets and no clock: the owner feeds it, and after each call takes what came of it with
`take_requests` and `take_events`. Times are UTC nanoseconds.

Theory of operation
===================

Every instance follows the whole stream and gets every decision, so each knows all of it. It acts
only on the symbols that it holds, by leases that `holds` asks about right before each act; reports
about others it leaves to whoever holds them, and reads them in the stream.

An instance that gets hold of a symbol first lets the stream run up to the moment at which it did.
By then all that the last holder has told stands there. Then it asks the venue about every order
that may be open, and only then takes new decisions.

Decisions come with the fencing token of who leads the symbol's strategies. One whose token is lower
than the highest seen comes from a leader that was replaced, and goes nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from trading.decisions import Envelope
from trading.events import AnyEvent, OwnEvent
from trading.execution import venue as v
from trading.execution.holdings import DayResult
from trading.execution.market import Middle, StreamTimes
from trading.execution.risk import ALL, KillSwitches, RiskLimits
from trading.execution.strategy_orders import SECOND_NS, OpenOrder, StrategyOrders
from trading.execution.trader import Outbox, Patience, Trader
from trading.runs import Run
from vocabulary.instrument import Instrument

TAKEOVER_NS = 50_000_000
"""How much longer than up to the lease's beginning the stream is followed before acting: the clocks
of two machines may be so far apart."""


class Pull(NamedTuple):
    """A kill switch that a limit has pulled; all instances are to know."""

    strategy: str
    reason: str


class Engine:
    """One instance. `instruments` are the venue's, by symbol; `holds` tells of a lease on one."""

    def __init__(
        self,
        run: Run,
        instruments: Mapping[str, Instrument],
        holds: Callable[[str], bool],
        patience: Patience | None = None,
    ) -> None:
        self.run = run
        self.outbox = Outbox()
        self.times = StreamTimes()
        self.tokens: dict[str, int] = {}
        """The highest fencing token seen, by symbol."""
        self.traders: dict[tuple[str, str], Trader] = {}
        self._holds = holds
        self._switches = KillSwitches()
        self._pulls: list[Pull] = []
        self._middles = {symbol: Middle() for symbol in run.symbols}
        self._held_since_ns: dict[str, int] = {}
        self._settled: set[str] = set()
        self._by_symbol: dict[str, list[Trader]] = {symbol: [] for symbol in run.symbols}
        self._by_strategy: dict[str, list[Trader]] = {entry.name: [] for entry in run.strategies}
        for entry in run.strategies:
            for symbol in entry.symbols:
                instrument = instruments[symbol]
                trader = Trader(
                    StrategyOrders(entry.name, symbol, run.epoch, instrument),
                    RiskLimits(entry.limits, instrument),
                    DayResult(run.epoch * SECOND_NS),
                    self._middles[symbol],
                    self.times,
                    self._switches,
                    patience or Patience(),
                    self.outbox,
                )
                self.traders[entry.name, symbol] = trader
                self._by_symbol[symbol].append(trader)
                self._by_strategy[entry.name].append(trader)

    # The symbols held

    def hold(self, symbol: str, now_ns: int) -> None:
        """Note that a lease has begun."""
        self._held_since_ns[symbol] = now_ns

    def release(self, symbol: str) -> None:
        self._held_since_ns.pop(symbol, None)
        self._settled.discard(symbol)

    @property
    def acting_on(self) -> list[str]:
        """Return the symbols in which new decisions are taken here."""
        return sorted(symbol for symbol in self._settled if self._holds(symbol))

    # What comes in

    def on_events(self, events: Iterable[AnyEvent], now_ns: int) -> None:
        """Take in what the stream brought."""
        for event in events:
            self.times.note(event.stream_sequence, event.received_ns)
            if isinstance(event, OwnEvent):
                trader = self.traders.get((event.strategy, event.symbol))
                if trader is not None and event.epoch == self.run.epoch:
                    trader.apply(event)
                continue
            middle = self._middles.get(event.symbol)
            if middle is not None:
                middle.apply(event)
                for trader in self._by_symbol[event.symbol]:
                    trader.mark(event.received_ns)
        self._settle(now_ns)
        self._check_losses(now_ns)

    def on_envelopes(self, envelopes: Iterable[Envelope], now_ns: int) -> None:
        """Take in what a leader decided; a former leader's decisions are only counted."""
        touched = {}
        for token, _, decision in envelopes:
            trader = self.traders.get((decision.strategy, decision.symbol))
            if trader is None or decision.epoch != self.run.epoch:
                self.outbox.counts["decisions_unknown"] += 1
            elif token < self.tokens.get(decision.symbol, 0):
                self.outbox.counts["decisions_fenced"] += 1
            else:
                self.tokens[decision.symbol] = token
                trader.receive(decision, now_ns)
                touched[id(trader)] = trader
        for trader in touched.values():
            if self._acts_on(trader.orders.symbol):
                trader.advance(now_ns)

    def on_reports(self, reports: Iterable[v.VenueReport], now_ns: int) -> None:
        """Take in what a link told. What is about symbols of others is theirs to report."""
        for report in reports:
            trader = self.traders.get((report.name.strategy, report.name.symbol))
            is_ours = trader is not None and report.name.epoch == self.run.epoch
            if trader is not None and is_ours and self._acts_on(report.name.symbol):
                trader.on_report(report, now_ns)
        self._check_losses(now_ns)

    def on_link(self, strategy: str, now_ns: int, *, is_ready: bool) -> None:
        """Note that a strategy's way to the venue is open, or is lost."""
        for trader in self._by_strategy[strategy]:
            trader.is_link_ready = is_ready
            if not is_ready:
                trader.disconnected()
            elif self._acts_on(trader.orders.symbol):
                trader.connected(now_ns)
                trader.advance(now_ns)

    def set_kill_switches(self, pulled: Mapping[str, str], now_ns: int) -> None:
        """Take over which strategies are stopped, by whoever it was, and cancel their orders."""
        self._switches.set(dict(pulled))
        for name in pulled:
            self._cancel_all(name, now_ns)

    def tick(self, now_ns: int) -> None:
        """Do what time asks for; call it several times in 100 ms."""
        for trader in self.traders.values():
            if self._acts_on(trader.orders.symbol):
                trader.tick(now_ns)

    # What goes out

    def take_requests(self) -> list[v.Request]:
        requests, self.outbox.requests = self.outbox.requests, []
        return requests

    def take_events(self) -> list[OwnEvent]:
        events, self.outbox.events = self.outbox.events, []
        return events

    def take_pulls(self) -> list[Pull]:
        pulls, self._pulls = self._pulls, []
        return pulls

    def open_orders(self, strategy: str) -> list[OpenOrder]:
        """Return a strategy's orders that have not ended, in the symbols acted on here."""
        return [
            order
            for trader in self._by_strategy[strategy]
            if self._acts_on(trader.orders.symbol)
            for order in trader.orders.open.values()
        ]

    def _acts_on(self, symbol: str) -> bool:
        return symbol in self._settled and self._holds(symbol)

    def _settle(self, now_ns: int) -> None:
        """Begin with the symbols for which the stream has told enough."""
        for symbol, since_ns in self._held_since_ns.items():
            if symbol in self._settled or self.times.last_received_ns < since_ns + TAKEOVER_NS:
                continue
            if self._holds(symbol):
                self._settled.add(symbol)
                for trader in self._by_symbol[symbol]:
                    trader.begin(since_ns + TAKEOVER_NS, now_ns)
                    trader.advance(now_ns)

    def _check_losses(self, now_ns: int) -> None:
        for (strategy, symbol), trader in self.traders.items():
            refusal = trader.limits.loss(trader.day.result_units)
            if refusal is None or not self._acts_on(symbol):
                continue
            if self._switches.pull(strategy, refusal.text):
                self._pulls.append(Pull(strategy, refusal.text))
                self._cancel_all(strategy, now_ns)

    def _cancel_all(self, name: str, now_ns: int) -> None:
        for trader in list(self.traders.values()):
            if name in {ALL, trader.orders.strategy} and self._acts_on(trader.orders.symbol):
                trader.kill(now_ns)

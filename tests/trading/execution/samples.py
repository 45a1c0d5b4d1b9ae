"""A run of one strategy, its instrument, and events as the stream would bring them."""

from __future__ import annotations

from typing import Any

import msgspec

from trading.decisions import Action, Decision, Envelope, OrderStyle
from trading.events import (
    AnyEvent,
    BookReset,
    DecisionTaken,
    Level,
    OrderReported,
    OwnEvent,
    TimePassed,
    TradeAmended,
)
from trading.execution.engine import Engine
from trading.execution.trader import Patience
from trading.runs import Limits, Run, StrategyRun
from vocabulary.instrument import Asset, Instrument, build_instrument, listing_terms
from vocabulary.types import Side

SECOND = 1_000_000_000
EPOCH = 1_795_348_800  # a midnight
NOW = EPOCH * SECOND + 3600 * SECOND
SYMBOL = "BTCUSDT"


def instrument(tick: str = "0.01", lot: str = "0.00001") -> Instrument:
    base, quote = Asset(1, "BTC", 8), Asset(2, "USDT", 8)
    return build_instrument(
        1,
        SYMBOL,
        base,
        quote,
        listing_terms(base, quote, tick, lot),
        maker_fee_ppm=0,
        taker_fee_ppm=0,
    )


def run_of(**limits: Any) -> Run:
    entry = StrategyRun(name="maker", strategy="maker", symbols=(SYMBOL,), limits=Limits(**limits))
    return Run(name="test", epoch=EPOCH, strategies=(entry,))


def decision(number: int, cause: int, **more: Any) -> Decision:
    """Return a decision to buy 10 lots at 100.00, unless told otherwise."""
    given = {"order": number, "side": Side.BUY, "price_ticks": 10_000, "lots": 10} | more
    return Decision(
        "maker",
        SYMBOL,
        EPOCH,
        number,
        cause,
        given.get("action", Action.PLACE),
        given["order"],
        given["side"],
        given["price_ticks"],
        given["lots"],
        given.get("style", OrderStyle.RESTING),
    )


class Stream:
    """The feeds handler's part: numbers events, and admits own ones by its rules."""

    def __init__(self) -> None:
        self.events: list[AnyEvent] = []
        self._last_number = 0
        self._told: set[tuple[int, str]] = set()
        self._amendments: dict[int, int] = {}

    def append(self, event: AnyEvent, now_ns: int) -> None:
        numbered = msgspec.structs.replace(
            event, stream_sequence=len(self.events) + 1, received_ns=now_ns
        )
        self.events.append(numbered)

    def book(self, now_ns: int, bid: int = 9_999, ask: int = 10_001) -> None:
        self.append(BookReset(0, SYMBOL, 1, 0, 0, (Level(bid, 5),), (Level(ask, 5),)), now_ns)

    def time(self, now_ns: int) -> None:
        self.append(TimePassed(0, SYMBOL, 0, 0, 0), now_ns)

    def admit(self, event: Any, now_ns: int) -> None:
        if isinstance(event, TradeAmended):
            known = self._amendments.get(event.trade_id, 0)
            if event.amendment <= known:
                return
            assert event.amendment == known + 1, "a hole"
            self._amendments[event.trade_id] = event.amendment
        elif hasattr(event, "report_id"):
            if (event.order, event.report_id) in self._told:
                return
            self._told.add((event.order, event.report_id))
        else:
            if event.number <= self._last_number:
                return
            assert event.number == self._last_number + 1, "a hole"
            self._last_number = event.number
        self.append(event, now_ns)


class Desk:
    """One engine that holds the symbol, its link up, at a clock that only we move."""

    def __init__(self, patience: Patience | None = None, **limits: Any) -> None:
        self.now = NOW
        self.is_held = True
        self.stream = Stream()
        self.engine = Engine(
            run_of(**limits), {SYMBOL: instrument()}, lambda _: self.is_held, patience
        )
        self.reported: list[Any] = []
        self._seen = 0
        self.engine.on_link("maker", self.now, is_ready=True)
        self.engine.hold(SYMBOL, self.now)
        self.stream.book(self.now)
        self.pass_time(SECOND)

    @property
    def cause(self) -> int:
        """Return the number of an event that came just now."""
        self.stream.time(self.now)
        self._bring()
        return len(self.stream.events)

    def pass_time(self, nanoseconds: int) -> list[Any]:
        """Let time pass, with the stream's clock; return the requests that came of it."""
        self.now += nanoseconds
        self.stream.time(self.now)
        self._bring()
        self.engine.tick(self.now)
        return self.out()

    def decide(self, *decisions: Decision, token: int = 1) -> list[Any]:
        self.engine.on_envelopes([Envelope(token, self.now, each) for each in decisions], self.now)
        return self.out()

    def report(self, *reports: Any) -> list[Any]:
        self.engine.on_reports(reports, self.now)
        return self.out()

    def out(self) -> list[Any]:
        """Return the requests, and put the events into the stream, from where they come back."""
        events = self.engine.take_events()
        self.reported += events
        for event in events:
            self.stream.admit(event, self.now)
        self._bring()
        return self.engine.take_requests()

    def kinds(self) -> list[str]:
        """Return what has been told to the stream since the last call."""
        told, self.reported = self.reported, []
        return list(map(kind_of, told))

    def _bring(self) -> None:
        new, self._seen = self.stream.events[self._seen :], len(self.stream.events)
        self.engine.on_events(new, self.now)


def kind_of(event: OwnEvent) -> str:
    match event:
        case DecisionTaken():
            return f"taken {event.number}"
        case OrderReported():
            return f"{event.kind.name} {event.number}"
        case TradeAmended():
            return f"amended {event.trade_id}"

"""Streams of market events: any at all, for Hypothesis, and a plausible long one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from hypothesis import strategies as st

from tests.trading.own_events import filled, reported, taken
from trading.decisions import Action, OrderStyle
from trading.events import (
    AnyEvent,
    BookChanged,
    BookReset,
    DecisionTaken,
    FeedLost,
    InstrumentDefined,
    Level,
    OrderReported,
    PhaseChanged,
    ReportKind,
    TimePassed,
    TradeAmended,
    TradePrinted,
)
from vocabulary.types import Side, TradingPhase

SYMBOLS = ("BTCUSDT", "ETHUSDT", "ETHBTC")
NOON_NS = 1_795_348_800_000_000_000  # 2026-11-22
SECOND_NS = 1_000_000_000

int64 = st.integers(-(2**63), 2**63 - 1)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
enum = st.sampled_from
levels = st.lists(st.builds(Level, int64, int64), max_size=4).map(tuple)
kinds: list[tuple[Any, list[st.SearchStrategy[Any]]]] = [
    (InstrumentDefined, [texts, texts, int64, int64, int64, int64]),
    (BookReset, [levels, levels]),
    (BookChanged, [levels, levels]),
    (TradePrinted, [int64, int64, int64, st.booleans()]),
    (FeedLost, [texts]),
    (TimePassed, []),
    (PhaseChanged, [enum(TradingPhase), int64, int64, int64]),
    (
        DecisionTaken,
        [texts, *[int64] * 3, enum(Action), int64, enum(Side), int64, int64, enum(OrderStyle)],
    ),
    (
        OrderReported,
        [
            texts,
            *[int64] * 3,
            enum(ReportKind),
            enum(Side),
            *[int64] * 8,
            st.booleans(),
            texts,
            texts,
        ],
    ),
    (TradeAmended, [texts, *[int64] * 4, enum(Side), *[int64] * 6]),
]
symbols = st.sampled_from([*SYMBOLS, "BTC/USDT", "a b=c", "Ü%"])
times = st.integers(NOON_NS - 10**14, NOON_NS + 10**14)  # three days, in any order


@st.composite
def streams(draw: st.DrawFn, events_max: int = 30) -> list[AnyEvent]:
    """Return a stream with holes, as any of its types and over midnights."""
    events = []
    sequence = draw(st.integers(1, 1000))
    for _ in range(draw(st.integers(1, events_max))):
        kind, fields = draw(st.sampled_from(kinds))
        values = [draw(field) for field in fields]
        events.append(kind(sequence, draw(symbols), draw(int64), draw(int64), draw(times), *values))
        sequence += draw(st.sampled_from([1, 1, 1, 1, 7]))
    return events


def plausible(count: int, first: int = 1, start_ns: int = NOON_NS) -> Iterator[AnyEvent]:
    """Yield a stream without a hole, a millisecond an event, the symbols in turn."""
    for sequence in range(first, first + count):
        symbol = SYMBOLS[sequence % len(SYMBOLS)]
        now_ns = start_ns + sequence * 1_000_000
        place = (sequence, symbol, sequence // len(SYMBOLS), now_ns - 50_000, now_ns)
        bids = (Level(10_000 + sequence % 17, sequence % 5),)
        if sequence <= len(SYMBOLS):
            yield InstrumentDefined(*place, symbol[:3], symbol[3:], 1, 2, 1, 5)
        elif sequence <= 2 * len(SYMBOLS):
            yield BookReset(*place, bids, (Level(10_020, 7), Level(10_021, 9)))
        elif sequence % 5 == 0:
            yield TradePrinted(*place, sequence, 10_000 + sequence % 17, 3, sequence % 2 == 0)
        else:
            yield BookChanged(*place, bids, ())


def firm(orders: int) -> list[AnyEvent]:
    """Return a stream of decisions, what became of each, and the time: four events an order."""
    events: list[AnyEvent] = []
    for number in range(1, orders + 1):
        time = TimePassed(0, "BTCUSDT", number, NOON_NS, 0)
        events += [taken(number), reported(number, "new"), filled(number, f"fill-{number}"), time]
    return [
        msgspec.structs.replace(event, stream_sequence=n, received_ns=NOON_NS + n * 1_000_000)
        for n, event in enumerate(events, 1)
    ]

"""What the trading application knows: one stream of events, numbered without a hole.

The data feeds handler is the only one that makes these, and it puts all that it hears into one
order: the market's events from its sources, and the firm's own, which execution engines hand to it.
`stream_sequence` counts every event over all symbols from 1. Whoever has seen the events up to a
number knows exactly what any other did who has seen as many, which is what lets a strategy be
rebuilt, doubled and replayed bit for bit.

Prices are ticks and quantities lots, of the sizes that the symbol's `InstrumentDefined` states;
times are UTC nanoseconds. `exchange_ns` is the source's own time, `received_ns` the handler's when
the bytes came. `source_sequence` is the source's own count for the symbol, 0 where it has none.

Bytes: MessagePack, an array per event that starts with the number of its kind. A change to a kind's
fields is a new kind.

History
-------
4   `TradeAmended`.
3   `PhaseChanged`.
2   `TimePassed`, and the firm's own `DecisionTaken` and `OrderReported`.
1   The first version.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec

from trading.decisions import Action, Decision, OrderStyle
from vocabulary.types import Side, TradingPhase

VERSION = 4


class ReportKind(IntEnum):
    """What became of an order, as the venue said, or the execution engine in its stead."""

    ACCEPTED = 1
    REFUSED = 2
    """The venue never had it: its refusal, or that of the firm's own risk limits."""
    TRADED = 3
    CANCELED = 4
    """By us, or by the venue: the rest of an immediate order, too."""
    EXPIRED = 5
    CANCEL_REFUSED = 6
    """The order to be canceled is not open (any more)."""


class Event(msgspec.Struct, frozen=True, array_like=True, gc=False):
    stream_sequence: int
    symbol: str
    source_sequence: int
    exchange_ns: int
    received_ns: int


class Level(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A price and all that rests there; 0 lots: the level is gone."""

    price_ticks: int
    lots: int


class InstrumentDefined(Event, frozen=True, array_like=True, gc=False, tag=1):
    """Stands before a symbol's first event. Sizes are mantissa x 10 ** -scale."""

    base: str
    quote: str
    tick_mantissa: int
    tick_scale: int
    lot_mantissa: int
    lot_scale: int


class BookReset(Event, frozen=True, array_like=True, gc=False, tag=2):
    """The whole book, best prices first: what was known before is void."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class BookChanged(Event, frozen=True, array_like=True, gc=False, tag=3):
    """The levels that changed, with all that rests there now."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class TradePrinted(Event, frozen=True, array_like=True, gc=False, tag=4):
    trade_id: int
    price_ticks: int
    lots: int
    buyer_is_maker: bool


class FeedLost(Event, frozen=True, array_like=True, gc=False, tag=5):
    """Events of the symbol are missing from here until its next `BookReset`, for `reason`."""

    reason: str


class TimePassed(Event, frozen=True, array_like=True, gc=False, tag=6):
    """The handler's clock, `received_ns`, several times a second while the book is in sync.

    It lets a strategy wait for something without a clock of its own.
    """


class DecisionTaken(Event, frozen=True, array_like=True, gc=False, tag=7):
    """An execution engine has taken a decision over; whoever made it need not send it again.

    The fields are those of `trading.decisions.Decision`. Over the stream the numbers of a strategy
    in a symbol and an epoch are 1, 2, 3, … without a hole and without a repeat. `exchange_ns` is
    when the engine took it.
    """

    strategy: str
    epoch: int
    number: int
    cause: int
    action: Action
    order: int
    side: Side
    price_ticks: int
    lots: int
    style: OrderStyle


class OrderReported(Event, frozen=True, array_like=True, gc=False, tag=8):
    """Something became of one of the firm's orders; at least one of these follows each decision.

    `order` is the number of the decision that placed it, `number` that of the decision which this
    answers, 0 if none. `lots` is what was ordered; `trade_id` and the fields of the fill are 0
    unless it is `TRADED`, and the fee is in the smallest units of what that side receives; below 0
    it is a rebate, in those of what that side gives. A `report_id` names what happened to the
    order (`execution-trade-17`, `risk-refused`), the same whoever tells it and however that was
    learned; no two of an order are equal. `source_sequence` is the venue's sequence, 0 where it
    did not say.
    """

    strategy: str
    epoch: int
    order: int
    number: int
    kind: ReportKind
    side: Side
    price_ticks: int
    lots: int
    cumulative_lots: int
    leaves_lots: int
    fill_price_ticks: int
    fill_lots: int
    fee_units: int
    trade_id: int
    is_maker: bool
    report_id: str
    reason: str


class PhaseChanged(Event, frozen=True, array_like=True, gc=False, tag=9):
    """The phase, and in an auction what it would come to if it ended now: all 0 for nothing.

    Only in `TradingPhase.TRADING` is the book told: that of an auction may be crossed. A
    `BookReset` follows when trading goes on. `surplus_lots` would find nobody: above zero buyers',
    below it sellers'.
    """

    phase: TradingPhase
    indicative_price_ticks: int
    indicative_lots: int
    surplus_lots: int


class TradeAmended(Event, frozen=True, array_like=True, gc=False, tag=10):
    """The venue undid one of the firm's fills, or made another one of it.

    It was reported as `TRADED` by the order that decision `order` placed. Until now it came to what
    the fields `undone_…` say, from now on to the others, all 0 if nothing is left of it; fees as in
    `OrderReported`. Lots that are undone are not traded again: what the order leaves stays. The
    amendments of a fill count 1, 2, 3, …, here: of several that nobody heard of there is one.
    """

    strategy: str
    epoch: int
    order: int
    trade_id: int
    amendment: int
    side: Side
    undone_price_ticks: int
    undone_lots: int
    undone_fee_units: int
    price_ticks: int
    lots: int
    fee_units: int


MarketEvent = (
    InstrumentDefined
    | BookReset
    | BookChanged
    | TradePrinted
    | FeedLost
    | TimePassed
    | PhaseChanged
)
OwnEvent = DecisionTaken | OrderReported | TradeAmended
AnyEvent = MarketEvent | OwnEvent

encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(AnyEvent)


class EventError(ValueError):
    """Bytes that are no event of this version; says why."""


def decode(data: bytes | memoryview) -> AnyEvent:
    """Return the event. Raises `EventError`."""
    try:
        event: AnyEvent = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise EventError(f"no market event: {error}") from None
    return event


def decision_taken(decision: Decision, now_ns: int) -> DecisionTaken:
    """Return that a decision was taken over; the feeds handler gives it its place."""
    return DecisionTaken(
        0,
        decision.symbol,
        0,
        now_ns,
        0,
        decision.strategy,
        decision.epoch,
        decision.number,
        decision.cause,
        decision.action,
        decision.order,
        decision.side,
        decision.price_ticks,
        decision.lots,
        decision.style,
    )

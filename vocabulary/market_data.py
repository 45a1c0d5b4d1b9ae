"""What the market-data channels on Redis carry, and what their snapshot keys hold.

One channel per instrument and kind, `agio:<kind>:<symbol>`, and beside it a snapshot under
`agio:snapshot:<kind>:<symbol>`. Kinds: depth, trades, ticker, status and, for each interval,
`candles:<interval>`. All are MessagePack arrays of the structs below, prices in ticks, quantities
in lots, money in smallest units, times in UTC nanoseconds.

Redis pub/sub may drop messages. So each message carries `sequence`, the journal sequence up to
which it speaks, and `previous_sequence`, that of the channel's message before it. A reader whose
last `sequence` is not the next message's `previous_sequence` has a gap: it takes the snapshot,
waits for one whose `sequence` is at least that `previous_sequence`, and goes on with the messages
behind it.

Time alone also changes a candle (it closes) and the ticker (old trades leave it). Such a message
repeats its `previous_sequence` as its `sequence`; losing one is made good by the next, which says
all that it said.

The last message may be lost, too, and then no other shows the gap. So once a second the heartbeat
channel tells where each channel stands. A reader that stands elsewhere behind it has a gap.

History
-------
1   The first version.
2   The status.
3   Busts and corrections of trades.
"""

from __future__ import annotations

from collections import deque

import msgspec

from vocabulary.types import TradingPhase

CHANNEL_PREFIX = "agio:"
HEARTBEAT_CHANNEL = "agio:heartbeat"
HEARTBEAT_INTERVAL_S = 1.0

CANDLE_INTERVALS_SECONDS = {"1m": 60, "5m": 300, "15m": 900, "1h": 3600, "4h": 14400, "1d": 86400}
KINDS = (
    "depth",
    "trades",
    "ticker",
    "status",
    *(f"candles:{name}" for name in CANDLE_INTERVALS_SECONDS),
)

TAPE_PRINTS_MAX = 1_000
"""How many of an instrument's newest trades a snapshot holds, and a message at most."""

CANDLES_MAX = 1_000
"""How many of an interval's newest candles a snapshot holds."""


class _Wire(msgspec.Struct, frozen=True, array_like=True, gc=False):
    pass


class _Message(_Wire, frozen=True, array_like=True, gc=False):
    sequence: int
    previous_sequence: int
    timestamp_ns: int


class Level(_Wire, frozen=True, array_like=True, gc=False):
    """A price and all the lots that rest there; 0 lots: the level is gone."""

    price_ticks: int
    lots: int


class DepthChanged(_Message, frozen=True, array_like=True, gc=False):
    """The levels that changed, with their new lots."""

    bids: list[Level]
    asks: list[Level]


class DepthSnapshot(_Wire, frozen=True, array_like=True, gc=False):
    """The book, best prices first."""

    sequence: int
    timestamp_ns: int
    bids: list[Level]
    asks: list[Level]


class Print(_Wire, frozen=True, array_like=True, gc=False):
    """One trade on the tape."""

    trade_id: int
    timestamp_ns: int
    price_ticks: int
    lots: int
    quote_units: int
    buyer_is_maker: bool
    buyer_order_id: int
    seller_order_id: int
    is_corrected: bool = False
    """By the desk: price and lots are those that hold now."""
    is_busted: bool = False


class AmendedTrade(_Wire, frozen=True, array_like=True, gc=False):
    """What holds of a trade since the desk corrected it; 0 lots: it was busted."""

    trade_id: int
    price_ticks: int
    lots: int
    quote_units: int


class TradesPrinted(_Message, frozen=True, array_like=True, gc=False):
    """The trades since the message before, oldest first.

    Trade ids rise by one, also from message to message. A hole means that more than
    `TAPE_PRINTS_MAX` came while Redis could not be reached, and these are the newest. What was
    amended meanwhile, of any age, stands behind them; a gap may lose that of trades older than the
    snapshot's.
    """

    prints: list[Print]
    amended: tuple[AmendedTrade, ...] = ()


class TradesSnapshot(_Wire, frozen=True, array_like=True, gc=False):
    """The newest trades, oldest first."""

    sequence: int
    timestamp_ns: int
    prints: list[Print]


class Candle(_Wire, frozen=True, array_like=True, gc=False):
    """One interval's trades; `taker_buy_*` counts those whose incoming order bought."""

    open_time_ns: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    lots: int
    quote_units: int
    trades: int
    first_trade_id: int
    last_trade_id: int
    taker_buy_lots: int
    taker_buy_quote_units: int
    closed: bool


class CandlesChanged(_Message, frozen=True, array_like=True, gc=False):
    """The candles that changed, oldest first. Before a new one stands the one that it follows."""

    candles: list[Candle]


class CandlesSnapshot(_Wire, frozen=True, array_like=True, gc=False):
    """The newest candles, oldest first; intervals without a trade have none."""

    sequence: int
    timestamp_ns: int
    candles: list[Candle]


class Ticker(_Wire, frozen=True, array_like=True, gc=False):
    """The last 24 hours, in steps of a minute.

    Prices are 0 before the first trade; where none is left in the 24 hours, all are the last one.
    """

    open_time_ns: int
    close_time_ns: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    last_ticks: int
    last_lots: int
    lots: int
    quote_units: int
    trades: int
    first_trade_id: int
    last_trade_id: int


class TickerChanged(_Message, frozen=True, array_like=True, gc=False):
    ticker: Ticker


class TickerSnapshot(_Wire, frozen=True, array_like=True, gc=False):
    sequence: int
    timestamp_ns: int
    ticker: Ticker


class Status(_Wire, frozen=True, array_like=True, gc=False):
    """The phase, and in an auction what it would come to if it ended now: all 0 for nothing.

    `surplus_lots` would find nobody: above zero buyers', below it sellers'.
    """

    phase: TradingPhase
    indicative_ticks: int
    indicative_lots: int
    surplus_lots: int


class StatusChanged(_Message, frozen=True, array_like=True, gc=False):
    status: Status


class StatusSnapshot(_Wire, frozen=True, array_like=True, gc=False):
    sequence: int
    timestamp_ns: int
    status: Status


class Mark(_Wire, frozen=True, array_like=True, gc=False, order=True):
    """Where a channel stands: its last message's. Both fields order it, as time alone may pass."""

    sequence: int
    timestamp_ns: int


class Heartbeat(_Wire, frozen=True, array_like=True, gc=False):
    """Where each channel stands, by `<kind>:<symbol>`; sent behind all messages that it counts."""

    timestamp_ns: int
    marks: dict[str, Mark]


Message = DepthChanged | TradesPrinted | CandlesChanged | TickerChanged | StatusChanged
Snapshot = DepthSnapshot | TradesSnapshot | CandlesSnapshot | TickerSnapshot | StatusSnapshot


def channel(kind: str, symbol: str) -> str:
    """Return a channel's name; `kind` is one of `KINDS`."""
    return f"{CHANNEL_PREFIX}{kind}:{symbol}"


def snapshot_key(channel_name: str) -> str:
    """Return the key that holds a channel's snapshot."""
    return f"{CHANNEL_PREFIX}snapshot:{channel_name.removeprefix(CHANNEL_PREFIX)}"


def amend_print(prints: deque[Print], amended: AmendedTrade) -> None:
    """Mark a trade on a tape, if it is there still. A tape's trade ids rise by one."""
    index = amended.trade_id - prints[0].trade_id if prints else -1
    if not 0 <= index < len(prints):
        return
    if not amended.lots:
        prints[index] = msgspec.structs.replace(prints[index], is_busted=True)
        return
    prints[index] = msgspec.structs.replace(
        prints[index],
        price_ticks=amended.price_ticks,
        lots=amended.lots,
        quote_units=amended.quote_units,
        is_corrected=True,
    )

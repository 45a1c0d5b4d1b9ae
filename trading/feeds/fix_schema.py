"""agio's FIX market data, exactly as its rules of engagement have it (`fix_specs/README.md`).

Strict, as `schema` is: every field is there once, in its place and of its type; a field that is not
listed here is refused. Read are SecurityList(y), MarketDataSnapshotFullRefresh(W) and
MarketDataIncrementalRefresh(X) of one symbol's whole book and its trades, and SecurityStatus(f).

History
-------
2   SecurityStatus(f).
1   y, W and X, with TransactTime(60), RptSeq(83) and LastBookUpdateID(25044).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gateway.fix import tags, values
from gateway.fix.codec import Decoder, FixMessage
from gateway.fix.timestamps import parse_utc_timestamp
from trading.feeds.rejects import RejectedError, RejectReason
from trading.feeds.schema import LEVELS_MAX, DepthSnapshot, LevelText, Status, Trade
from vocabulary.instrument import (
    Asset,
    Instrument,
    ListingError,
    build_instrument,
    listing_terms,
)
from vocabulary.types import ASSET_SCALE_MAX, INT64_MAX

VERSION = 2
MESSAGE_BYTES_MAX = 4 * 2**20
NS_PER_MS = 1_000_000

Fields = dict[int, bytes]


class Shape(NamedTuple):
    """Which fields a message has behind its header, and which one begins each of its entries.

    A `counter` of 0: it has no entries.
    """

    fields: frozenset[int]
    counter: int = 0
    first: int = 0
    optional: frozenset[int] = frozenset()


_HEADER = frozenset({tags.BeginString, tags.BodyLength, tags.MsgType, tags.MsgSeqNum})
_HEADER |= {tags.SenderCompID, tags.SendingTime, tags.TargetCompID}
_RESENT = frozenset({tags.PossDupFlag, tags.OrigSendingTime})
_SHAPES = {
    b"y": Shape(
        frozenset(
            {tags.SecurityReqID, tags.SecurityResponseID, tags.SecurityRequestResult}
            | {tags.TotNoRelatedSym, tags.NoRelatedSym}
        ),
        tags.NoRelatedSym,
        tags.Symbol,
    ),
    b"W": Shape(
        frozenset(
            {tags.MDReqID, tags.Symbol, tags.RptSeq, tags.TransactTime}
            | {tags.LastBookUpdateID, tags.NoMDEntries}
        ),
        tags.NoMDEntries,
        tags.MDEntryType,
    ),
    b"X": Shape(
        frozenset({tags.MDReqID, tags.TransactTime, tags.LastBookUpdateID, tags.NoMDEntries}),
        tags.NoMDEntries,
        tags.MDUpdateAction,
    ),
    b"f": Shape(
        frozenset(
            {tags.SecurityStatusReqID, tags.Symbol, tags.TradingSessionID}
            | {tags.TradingSessionSubID, tags.UnsolicitedIndicator, tags.SecurityTradingStatus}
            | {tags.TransactTime, tags.LastBookUpdateID}
        ),
        optional=frozenset(
            {tags.IndicativePx, tags.IndicativeQty, tags.BuySurplusQty, tags.SellSurplusQty}
            | {tags.TradingReferencePrice, tags.LowLimitPrice, tags.HighLimitPrice}
        ),
    ),
}
_LISTED = frozenset({tags.Symbol, tags.Currency, tags.RoundLot, tags.MinTradeVol})
_LISTED |= {tags.MinPriceIncrement}
_LEVEL = frozenset({tags.MDEntryType, tags.MDEntryPx, tags.MDEntrySize})
_PRINT = _LEVEL | {tags.MDEntryDate, tags.MDEntryTime, tags.TradeID, tags.AggressorSide}
_CHANGE = frozenset({tags.MDUpdateAction, tags.Symbol})
_BOOK_CHANGE = _CHANGE | _LEVEL | {tags.RptSeq}
_GONE = _BOOK_CHANGE - {tags.MDEntrySize}
_UNDONE = _CHANGE | {tags.MDEntryType, tags.MDEntryPx, tags.TradeID}
_BID, _OFFER = values.MDEntryType.BID, values.MDEntryType.OFFER
_TRADE = values.MDEntryType.TRADE
_NEW, _DELETE = values.MDUpdateAction.NEW, values.MDUpdateAction.DELETE
_SET = frozenset({_NEW, values.MDUpdateAction.CHANGE})
_AGGRESSORS = {values.AggressorSide.BUY: False, values.AggressorSide.SELL: True}


class SecurityList(NamedTuple):
    """What the source lists: by symbol its quote asset, lot and tick, as text."""

    server_time: int
    listed: dict[str, tuple[str, str, str]]

    def instrument(self, name: str) -> Instrument:
        """Return a symbol's assets and sizes. Raises `RejectedError`.

        FIX does not tell the assets' decimal places: they are what tick and lot need. The base
        asset is what stands before the quote asset in the symbol.
        """
        if name not in self.listed:
            raise RejectedError(RejectReason.UNKNOWN_SYMBOL, f"{name} is not listed")
        quote, lot, tick = self.listed[name]
        base = name.removesuffix(quote)
        lot_scale = len(lot.partition(".")[2])
        quote_scale = min(lot_scale + len(tick.partition(".")[2]), ASSET_SCALE_MAX)
        if base in {name, ""}:
            raise RejectedError(RejectReason.INCONSISTENT, f"{name} does not end with {quote!r}")
        assets = Asset(1, base, lot_scale), Asset(2, quote, quote_scale)
        try:
            terms = listing_terms(*assets, tick, lot)
            return build_instrument(1, name, *assets, terms, maker_fee_ppm=0, taker_fee_ppm=0)
        except ListingError as error:
            raise RejectedError(RejectReason.INCONSISTENT, f"{name}: {error}") from None


class FullRefresh(NamedTuple):
    """A symbol's book, of which `rpt_seq` is the last change."""

    symbol: str
    rpt_seq: int
    book: DepthSnapshot


class BookChange(NamedTuple):
    """The levels that a symbol's change number `rpt_seq` left otherwise than they were."""

    symbol: str
    rpt_seq: int
    update_id: int
    time_ms: int
    bids: list[LevelText]
    asks: list[LevelText]


class Prints(NamedTuple):
    """A symbol's trades, oldest first."""

    symbol: str
    trades: list[Trade]


FixMarketData = SecurityList | FullRefresh | BookChange | Prints | Status


def decode_fix(data: bytes) -> FixMarketData:
    """Return what one message tells. Raises `RejectedError`."""
    decoded = Decoder(MESSAGE_BYTES_MAX).receive_data(data)
    if len(decoded) != 1 or len(decoded[0].raw) != len(data):
        raise _malformed("not one whole FIX message")
    message = decoded[0]
    shape = _SHAPES.get(message.msg_type)
    if shape is None:
        raise _malformed(f"MsgType(35) {message.msg_type!r}")
    fields, entries = _split(message, shape)
    if message.msg_type == b"y":
        return _security_list(message, entries)
    time_ns = parse_utc_timestamp(fields[tags.TransactTime])
    if time_ns < 0:
        raise _malformed("TransactTime(60) is no time")
    if message.msg_type == b"f":
        return _status(fields, time_ns // NS_PER_MS)
    if message.msg_type == b"W":
        return _full_refresh(fields, entries)
    return _increment(fields, entries, time_ns // NS_PER_MS)


def _split(message: FixMessage, shape: Shape) -> tuple[Fields, list[Fields]]:
    """Return the fields behind the header, and the entries of the group."""
    fields: Fields = {}
    entries: list[Fields] = []
    block = fields
    for tag, value in message.fields:
        if tag == tags.CheckSum:
            break
        if tag == shape.first and shape.counter in fields:
            block = {}
            entries.append(block)
        if tag in block or not value:
            raise _malformed(f"tag {tag} is repeated or empty")
        block[tag] = value
    wanted = _HEADER | shape.fields
    missing, unknown = wanted - fields.keys(), fields.keys() - _RESENT - wanted - shape.optional
    if missing or unknown:
        raise _malformed(f"missing fields {sorted(missing)}, unknown fields {sorted(unknown)}")
    if shape.counter and _number(fields, shape.counter) != len(entries):
        raise _malformed(f"{len(entries)} entries, not as many as tag {shape.counter} says")
    if len(entries) > 2 * LEVELS_MAX:
        raise _malformed(f"{len(entries)} entries")
    return fields, entries


def _security_list(message: FixMessage, entries: list[Fields]) -> SecurityList:
    time_ns = parse_utc_timestamp(message.get(tags.SendingTime) or b"")
    if time_ns < 0:
        raise _malformed("SendingTime(52) is no time")
    listed = {}
    for entry in entries:
        _expect(entry, _LISTED, optional=tags.MaxTradeVol)
        sizes = (tags.Currency, tags.RoundLot, tags.MinPriceIncrement)
        quote, lot, tick = (_text(entry, tag) for tag in sizes)
        listed[_text(entry, tags.Symbol)] = (quote, lot, tick)
    if len(listed) != len(entries):
        raise RejectedError(RejectReason.INCONSISTENT, "a symbol is listed twice")
    return SecurityList(time_ns // NS_PER_MS, listed)


def _full_refresh(fields: Fields, entries: list[Fields]) -> FullRefresh:
    """Read a book; the trades beside it were told before, or are older than we are."""
    sides: dict[bytes, list[LevelText]] = {_BID: [], _OFFER: []}
    for entry in entries:
        kind = entry[tags.MDEntryType]
        _expect(entry, _PRINT if kind == _TRADE else _LEVEL)
        if kind in sides:
            sides[kind].append(_level(entry))
        elif kind != _TRADE:
            raise _malformed(f"MDEntryType(269) {kind!r}")
    book = DepthSnapshot(_number(fields, tags.LastBookUpdateID), sides[_BID], sides[_OFFER])
    return FullRefresh(_text(fields, tags.Symbol), _number(fields, tags.RptSeq), book)


def _increment(fields: Fields, entries: list[Fields], time_ms: int) -> BookChange | Prints:
    symbol = _text(entries[0], tags.Symbol) if entries and tags.Symbol in entries[0] else ""
    if any(entry.get(tags.Symbol) != symbol.encode("latin-1") for entry in entries) or not symbol:
        raise _malformed("the entries are not of one symbol")
    if entries[0].get(tags.MDEntryType) == _TRADE:
        return Prints(symbol, [_trade(symbol, entry) for entry in entries if _is_made(entry)])
    sides: dict[bytes, list[LevelText]] = {_BID: [], _OFFER: []}
    for entry in entries:
        kind, action = entry.get(tags.MDEntryType), entry[tags.MDUpdateAction]
        if kind not in sides or action not in _SET | {_DELETE}:
            raise _malformed(f"MDEntryType(269) {kind!r} with MDUpdateAction(279) {action!r}")
        is_gone = action == _DELETE
        _expect(entry, _GONE if is_gone else _BOOK_CHANGE)
        sides[kind].append((_text(entry, tags.MDEntryPx), "0") if is_gone else _level(entry))
    numbers = {_number(entry, tags.RptSeq) for entry in entries}
    if len(numbers) != 1:
        text = f"RptSeq(83) {sorted(numbers)} in one change"
        raise RejectedError(RejectReason.INCONSISTENT, text)
    update_id = _number(fields, tags.LastBookUpdateID)
    return BookChange(symbol, numbers.pop(), update_id, time_ms, sides[_BID], sides[_OFFER])


def _status(fields: Fields, time_ms: int) -> Status:
    """Read a phase; its price is what an auction would come to."""
    if (tags.IndicativePx in fields) != (tags.IndicativeQty in fields):
        raise _malformed("an indicative price without a quantity, or the other way round")
    nothing = b"0"
    price, quantity, buyers, sellers = (
        fields.get(tag, nothing).decode("latin-1")
        for tag in (
            tags.IndicativePx,
            tags.IndicativeQty,
            tags.BuySurplusQty,
            tags.SellSurplusQty,
        )
    )
    return Status(
        time_ms,
        _text(fields, tags.Symbol),
        _number(fields, tags.LastBookUpdateID),
        _text(fields, tags.TradingSessionSubID),
        price,
        quantity,
        buyers,
        sellers,
    )


def _is_made(entry: Fields) -> bool:
    """Say whether an entry is a trade as it was made, not what the venue did to one later."""
    action = entry[tags.MDUpdateAction]
    if action == _NEW:
        return True
    _expect(entry, _UNDONE if action == _DELETE else _UNDONE | {tags.MDEntrySize})
    return False


def _trade(symbol: str, entry: Fields) -> Trade:
    _expect(entry, _CHANGE | _PRINT)
    stated = b"%b-%b" % (entry[tags.MDEntryDate], entry[tags.MDEntryTime])
    time_ms = parse_utc_timestamp(stated) // NS_PER_MS
    buyer_is_maker = _AGGRESSORS.get(entry[tags.AggressorSide])
    if time_ms < 0 or buyer_is_maker is None or entry[tags.MDUpdateAction] != _NEW:
        raise _malformed("a trade without a time, an aggressor, or as anything but new")
    return Trade(
        time_ms,
        symbol,
        _number(entry, tags.TradeID),
        *_level(entry),
        time_ms,
        buyer_is_maker,
        ignored=True,
    )


def _level(entry: Fields) -> LevelText:
    return _text(entry, tags.MDEntryPx), _text(entry, tags.MDEntrySize)


def _expect(entry: Fields, members: Iterable[int], optional: int = 0) -> None:
    if entry.keys() - {optional} != members:
        raise _malformed(f"an entry of the fields {sorted(entry)}")


def _number(fields: Fields, tag: int) -> int:
    text = fields[tag]
    if not text.isdigit() or len(text) > 19 or int(text) > INT64_MAX:
        raise _malformed(f"tag {tag} is no number: {text[:40]!r}")
    return int(text)


def _text(fields: Fields, tag: int) -> str:
    return fields[tag].decode("latin-1")


def _malformed(text: str) -> RejectedError:
    return RejectedError(RejectReason.MALFORMED, text)

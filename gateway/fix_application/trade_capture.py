"""Trades over FIX: TradeCaptureReportRequest(AD) and what answers it.

An AD is acknowledged by TradeCaptureReportRequestAck(AQ), and each of the trades it asks for told
by a TradeCaptureReport(AE), oldest first. FIX 4.4 vol. 5, "Trade Capture Reporting".
"""

from __future__ import annotations

import re
from typing import NamedTuple

from gateway.fix import tags, values
from gateway.fix.codec import FixMessage
from gateway.fix.timestamps import format_utc_timestamp, parse_utc_date, parse_utc_timestamp
from gateway.orders import Fill
from vocabulary.catalogue import Catalogue
from vocabulary.instrument import Instrument
from vocabulary.trade_history import HistoricFill
from vocabulary.types import INT64_MAX, Side

TRADE_CAPTURE_REPORT_REQUEST = b"AD"
TRADE_CAPTURE_REPORT = b"AE"
TRADE_CAPTURE_REPORT_REQUEST_ACK = b"AQ"

REPORTS_MAX = 1_000
"""How many trades answer one request: some 400 KB of messages."""

NO_SYMBOL = b"[N/A]"

_DAY_NS = 24 * 3600 * 10**9
_DATE_TAGS = frozenset({tags.TradeDate, tags.TransactTime})
_TYPES = (values.TradeRequestType.ALL_TRADES, values.TradeRequestType.MATCHED_TRADES)
_R = values.TradeRequestResult


class Refused(Exception):
    """A request that is not met; `result` is TradeRequestResult(749) or PosReqResult(728)."""

    def __init__(self, result: bytes, text: str) -> None:
        super().__init__(text)
        self.result = result
        self.text = text


class TradeCriteria(NamedTuple):
    """Which trades are asked for, by all of these. Times are UTC ns, the last one included."""

    instrument: Instrument | None = None
    trade_id: int = 0
    side: Side | None = None  # of that trade
    order_id: int = 0
    client_order_id: bytes = b""
    start_ns: int = 0
    end_ns: int = INT64_MAX
    has_dates: bool = False

    def match(self, trade: CapturedTrade) -> bool:
        instrument = self.instrument
        return (
            (instrument is None or instrument.instrument_id == trade.instrument.instrument_id)
            and self.side in {None, trade.side}
            and self.trade_id in {0, trade.trade_id}
            and self.order_id in {0, trade.order_id}
            and self.client_order_id in {b"", trade.client_order_id}
            and self.start_ns <= trade.timestamp_ns <= self.end_ns
        )


class CapturedTrade(NamedTuple):
    """One side of a trade as it is reported; amounts are decimals."""

    instrument: Instrument
    trade_id: int
    side: Side
    price: str
    quantity: str
    fee: str
    fee_asset: str
    order_id: int
    client_order_id: bytes
    is_maker: bool
    timestamp_ns: int
    sequence: int
    amendments: int
    is_busted: bool

    @property
    def key(self) -> tuple[int, int, int]:
        return self.timestamp_ns, self.trade_id, self.side.value


def captured(fill: Fill) -> CapturedTrade:
    instrument = fill.instrument
    return CapturedTrade(
        instrument,
        fill.trade_id,
        fill.side,
        instrument.price_text(fill.price_ticks),
        instrument.quantity_text(fill.quantity_lots),
        fill.fee_asset.text(fill.fee_units),
        fill.fee_asset.name,
        fill.order_id,
        fill.client_order_id,
        fill.is_maker,
        fill.timestamp_ns,
        fill.sequence,
        fill.amendments,
        fill.is_busted,
    )


def captured_of_old(fill: HistoricFill, instrument: Instrument) -> CapturedTrade:
    return CapturedTrade(
        instrument,
        fill.trade_id,
        Side.BUY if fill.is_buyer else Side.SELL,
        fill.price,
        fill.quantity,
        fill.fee,
        fill.fee_asset,
        fill.order_id,
        b"",
        fill.is_maker,
        fill.timestamp_ns,
        fill.sequence,
        fill.amendments,
        fill.is_busted,
    )


def criteria_of(request: FixMessage, catalogue: Catalogue) -> TradeCriteria:
    """Return which trades an AD asks for; the dictionary finds it valid. Raises `Refused`."""
    kind = request.get(tags.TradeRequestType) or b""
    if kind not in _TYPES:
        text = f"TradeRequestType(569)={kind.decode()} is not supported"
        raise Refused(_R.TRADE_REQUEST_TYPE_NOT_SUPPORTED, text)
    criteria = TradeCriteria(
        _instrument(request, catalogue),
        order_id=_order_id(request),
        client_order_id=request.get(tags.ClOrdID) or b"",
    )
    return _within(request, _of_one_trade(request, criteria, catalogue))


def ack(
    request: FixMessage, *, count: int | None = None, refused: Refused | None = None, text: str = ""
) -> bytes:
    """Return the AQ: so many reports follow, or none because it is refused or ends another."""
    result = refused.result if refused is not None else _R.SUCCESSFUL
    status = values.TradeRequestStatus.ACCEPTED if count else values.TradeRequestStatus.COMPLETED
    if refused is not None:
        status, text = values.TradeRequestStatus.REJECTED, refused.text
    return b"".join([
        b"568=%b\x01569=%b\x01" % (
            request.get(tags.TradeRequestID) or b"", request.get(tags.TradeRequestType) or b"",
        ),
        _subscription(request),
        b"748=%d\x01" % count if count is not None else b"",
        b"749=%b\x01750=%b\x01" % (result, status),
        b"55=%b\x01" % (request.get(tags.Symbol) or NO_SYMBOL),
        b"58=%b\x01" % text.encode("ascii", "replace") if text else b"",
    ])  # fmt: skip


def reports(request: FixMessage, trades: list[CapturedTrade]) -> list[bytes]:
    """Return the AEs that answer a request, oldest first; the last one says so."""
    head = b"568=%b\x01748=%d\x01" % (request.get(tags.TradeRequestID) or b"", len(trades))
    return [
        report(trade, b"%b912=%b\x01570=Y\x01" % (head, b"Y" if index == len(trades) else b"N"))
        for index, trade in enumerate(trades, 1)
    ]


def update(request_id: bytes, trade: CapturedTrade) -> bytes:
    """Return the AE that tells a subscriber what has just happened."""
    return report(trade, b"568=%b\x01325=Y\x01263=1\x01570=N\x01" % request_id)


def report(trade: CapturedTrade, more: bytes) -> bytes:
    """Return an AE; `more` is what the request that it answers makes of it."""
    symbol, moment = trade.instrument.symbol.encode(), format_utc_timestamp(trade.timestamp_ns)
    place = f"{trade.instrument.instrument_id}-{trade.trade_id}-{trade.side.value}"
    exec_id = f"17={trade.sequence}-{place}\x01" if trade.sequence else ""
    return b"".join([
        _names(trade, place).encode(),
        more,
        b"527=%d\x01" % trade.trade_id,
        exec_id.encode(),
        b"55=%b\x0132=%b\x0131=%b\x01" % (symbol, trade.quantity.encode(), trade.price.encode()),
        b"75=%b\x0160=%b\x01573=0\x01552=1\x01" % (moment[:8], moment),
        b"54=%d\x0137=%d\x01" % (trade.side.value, trade.order_id),
        b"11=%b\x01" % trade.client_order_id if trade.client_order_id else b"",
        b"1057=%b\x01" % (b"N" if trade.is_maker else b"Y"),
        f"136=1\x01137={trade.fee}\x01138={trade.fee_asset}\x01139=4\x01".encode(),
    ])  # fmt: skip


def _names(trade: CapturedTrade, place: str) -> str:
    """Return what a report is called and what it does, to which other one."""
    if not trade.amendments:
        return f"571={place}\x01487=0\x01856=0\x01150=F\x01"
    does = "487=1\x01856=6\x01150=H\x01" if trade.is_busted else "487=2\x01856=5\x01150=G\x01"
    return f"571={place}-{trade.amendments}\x01{does}572={place}\x01"


def _instrument(request: FixMessage, catalogue: Catalogue) -> Instrument | None:
    if tags.Symbol not in request:
        return None
    symbol = _text(request, tags.Symbol)
    instrument = catalogue.instrument_by_symbol.get(symbol)
    if instrument is None:
        raise Refused(_R.INVALID_OR_UNKNOWN_INSTRUMENT, f"Symbol(55)={symbol[:32]} is not listed")
    return instrument


def _order_id(request: FixMessage) -> int:
    text = request.get(tags.OrderID)
    if text is None:
        return 0
    if not re.fullmatch(rb"[1-9]\d{0,18}", text) or int(text) > INT64_MAX:
        raise Refused(_R.OTHER, f"OrderID(37)={_text(request, tags.OrderID)[:32]} is none of ours")
    return int(text)


def _of_one_trade(
    request: FixMessage, criteria: TradeCriteria, catalogue: Catalogue
) -> TradeCriteria:
    """Return criteria with the trade that ExecID(17) or TradeReportID(571) names."""
    for tag, name, form in (
        (tags.ExecID, "ExecID", rb"\d{1,19}-(\d{1,9})-(\d{1,18})-([12])"),
        (tags.TradeReportID, "TradeReportID", rb"(\d{1,9})-(\d{1,18})-([12])(?:-\d{1,9})?"),
    ):
        text = request.get(tag)
        if text is None:
            continue
        found = re.fullmatch(form, text)
        instrument = catalogue.instruments.get(int(found[1])) if found else None
        if found is None or instrument is None:
            named = _text(request, tag)[:32]
            raise Refused(_R.OTHER, f"{name}({tag})={named} is none of a trade's")
        asked = criteria.instrument
        if asked is not None and asked.instrument_id != instrument.instrument_id:
            raise Refused(_R.OTHER, f"{name}({tag}) is of another symbol than Symbol(55)")
        side = Side(int(found[3]))
        criteria = criteria._replace(instrument=instrument, trade_id=int(found[2]), side=side)
    return criteria


def _within(request: FixMessage, criteria: TradeCriteria) -> TradeCriteria:
    """Return criteria within NoDates(580): from the first to the second, or on one day.

    FIX 4.4 vol. 5: TradeDate(75) begins an entry, TransactTime(60) makes it exact.
    """
    if tags.NoDates not in request:
        return criteria
    dates = request.entries(tags.NoDates, _DATE_TAGS)
    if len(dates) > 2:
        raise Refused(_R.OTHER, f"NoDates(580)={len(dates)} is not supported, at most 2")
    first_ns, last_ns = _bounds(dates[0])
    if len(dates) == 2:
        last_ns = _bounds(dates[1])[1]
    elif tags.TransactTime in dates[0]:
        last_ns = INT64_MAX
    if last_ns < first_ns:
        raise Refused(_R.OTHER, "NoDates(580): the second is before the first")
    return criteria._replace(start_ns=first_ns, end_ns=last_ns, has_dates=True)


def _bounds(date: dict[int, bytes]) -> tuple[int, int]:
    """Return the first and the last nanosecond of what a date, or a moment, means."""
    if tags.TransactTime in date:
        moment_ns = parse_utc_timestamp(date[tags.TransactTime])
        return moment_ns, min(moment_ns + 999_999, INT64_MAX)  # ours are told by the millisecond
    day_ns = parse_utc_date(date[tags.TradeDate]) * _DAY_NS
    return min(day_ns, INT64_MAX), min(day_ns + _DAY_NS - 1, INT64_MAX)


def _subscription(request: FixMessage) -> bytes:
    kind = request.get(tags.SubscriptionRequestType)
    return b"263=%b\x01" % kind if kind is not None else b""


def _text(request: FixMessage, tag: int) -> str:
    return (request.get(tag) or b"").decode("latin-1")

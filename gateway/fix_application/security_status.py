"""An instrument's phase over FIX: SecurityStatusRequest(e) and SecurityStatus(f).

FIX 4.4 has fewer phases than the venue: SecurityTradingStatus(326) is the nearest of its values,
TradingSessionSubID(625) the phase itself. What an auction would come to, which FIX 4.4 has no
fields for, is in fields of our own, the reference price and its band in those of FIX 5.0.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.fix import tags, values
from gateway.fix.codec import FixMessage
from gateway.fix.timestamps import format_utc_timestamp
from gateway.fix_application.subscriptions import Client, Problem, Refused, Subscriptions
from gateway.fix_application.trading_session import TRADING_SESSION_ID
from gateway.market_view import FeedStatus
from vocabulary.catalogue import Catalogue
from vocabulary.instrument import Instrument
from vocabulary.market_data import Status, StatusChanged
from vocabulary.types import TradingPhase

SECURITY_STATUS_REQUEST, SECURITY_STATUS = b"e", b"f"

PPM = 1_000_000

_STATUS = values.SecurityTradingStatus
TRADING_STATUSES = {
    TradingPhase.PRE_OPEN: _STATUS.PRE_OPEN,
    TradingPhase.OPENING_AUCTION: _STATUS.OPENING_ROTATION,
    TradingPhase.TRADING: _STATUS.READY_TO_TRADE,
    TradingPhase.VOLATILITY_AUCTION: _STATUS.PRICE_INDICATION,
    TradingPhase.CLOSING_AUCTION: _STATUS.PRICE_INDICATION,
    TradingPhase.HALTED: _STATUS.TRADING_HALT,
    TradingPhase.CANCEL_ONLY: _STATUS.TRADING_HALT,
    TradingPhase.CLOSED: _STATUS.NOT_AVAILABLE_FOR_TRADING,
    TradingPhase.DELISTED: _STATUS.NOT_TRADED_ON_THIS_MARKET,
}

_REASON = values.BusinessRejectReason
_REASONS = {
    Problem.UNKNOWN_TOPIC: _REASON.UNKNOWN_SECURITY,
    Problem.UNKNOWN_ID: _REASON.UNKNOWN_ID,
    Problem.NOT_KNOWN_YET: _REASON.APPLICATION_NOT_AVAILABLE,
}


class SecurityStatuses(Subscriptions):
    """Who is told of the phases. `statuses` are the market feed's views."""

    id_tag = tags.SecurityStatusReqID
    id_name = "SecurityStatusReqID(324)"

    def __init__(self, catalogue: Catalogue, statuses: Mapping[str, FeedStatus]) -> None:
        super().__init__()
        self._catalogue = catalogue
        self._statuses = statuses

    def topic(self, message: FixMessage) -> str:
        symbol = (message.get(tags.Symbol) or b"").decode("latin-1")
        if symbol not in self._catalogue.instrument_by_symbol:
            raise Refused(Problem.UNKNOWN_TOPIC, f"Symbol(55) {symbol} is not listed")
        if self._now(symbol) is None:
            text = f"the status of {symbol} is not known yet, try again"
            raise Refused(Problem.NOT_KNOWN_YET, text)
        return symbol

    def answer(self, client: Client, request_id: bytes, topic: str, now_ns: int) -> None:
        now = self._now(topic)
        assert now is not None
        client.send(SECURITY_STATUS, self._body(request_id, topic, now, "N"), now_ns)

    def refuse(self, client: Client, message: FixMessage, refused: Refused, now_ns: int) -> None:
        reason = _REASONS.get(refused.problem, _REASON.OTHER)
        request_id = message.get(tags.SecurityStatusReqID) or b""
        client.refuse(message, reason, refused.text, now_ns, request_id)

    def on_status(self, symbol: str, change: StatusChanged, now_ns: int) -> None:
        """Tell a new phase, or what its auction would come to now."""
        for client, request_id in self.subscribers(symbol):
            body = self._body(request_id, symbol, change, "Y")
            self.tell(client, SECURITY_STATUS, body, now_ns)

    def on_reference(self, symbol: str, now_ns: int) -> None:
        """Tell the reference price that the desk has set, or its new band."""
        now = self._now(symbol)
        if now is not None:
            self.on_status(symbol, now, now_ns)

    def _now(self, symbol: str) -> StatusChanged | None:
        view = self._statuses.get(symbol)
        if view is None or view.status is None:
            return None
        return StatusChanged(view.sequence, view.sequence, view.timestamp_ns, view.status)

    def _body(
        self, request_id: bytes, symbol: str, change: StatusChanged, unsolicited: str
    ) -> bytes:
        instrument = self._catalogue.instrument_by_symbol[symbol]
        phase = change.status.phase
        reference_ticks = self._catalogue.reference_ticks.get(instrument.instrument_id, 0)
        return b"324=%b\x0155=%b\x01336=%b\x01625=%b\x01%b60=%b\x0125044=%d\x01%b" % (
            request_id,
            symbol.encode(),
            TRADING_SESSION_ID,
            phase.name.encode(),
            b"325=%b\x01326=%b\x01" % (unsolicited.encode(), TRADING_STATUSES[phase]),
            format_utc_timestamp(change.timestamp_ns),
            change.sequence,
            _auction(instrument, change.status) + _reference(instrument, reference_ticks),
        )


def _auction(instrument: Instrument, status: Status) -> bytes:
    """Return what an auction would come to, if to anything."""
    if not status.indicative_lots:
        return b""
    fields = [
        ("35101", instrument.price_text(status.indicative_ticks)),
        ("35102", instrument.quantity_text(status.indicative_lots)),
    ]
    if status.surplus_lots > 0:
        fields.append(("35103", instrument.quantity_text(status.surplus_lots)))
    elif status.surplus_lots < 0:
        fields.append(("35104", instrument.quantity_text(-status.surplus_lots)))
    return _encode(fields)


def _reference(instrument: Instrument, reference_ticks: int) -> bytes:
    """Return the reference price, if there is one, and the limits of limit orders about it."""
    if not reference_ticks:
        return b""
    fields = [("1150", instrument.price_text(reference_ticks))]
    band_ppm = instrument.limits.price_band_ppm
    if band_ppm:
        width = reference_ticks * band_ppm // PPM
        fields.append(("1148", instrument.price_text(max(reference_ticks - width, 1))))
        fields.append(("1149", instrument.price_text(reference_ticks + width)))
    return _encode(fields)


def _encode(fields: list[tuple[str, str]]) -> bytes:
    return "".join(f"{tag}={value}\x01" for tag, value in fields).encode()

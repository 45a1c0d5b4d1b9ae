"""What can be traded, over FIX: SecurityListRequest(x) and SecurityList(y)."""

from __future__ import annotations

from gateway.fix import tags, values
from gateway.fix.codec import FixMessage
from vocabulary.catalogue import Catalogue
from vocabulary.instrument import Instrument

SECURITY_LIST_REQUEST, SECURITY_LIST = b"x", b"y"


def security_list(request: FixMessage, catalogue: Catalogue) -> bytes:
    """Return the fields of the answer, behind its header.

    Currency(15) is the quote asset; quantities are multiples of RoundLot(561), prices of
    MinPriceIncrement(969).
    """
    request_id = request.get(tags.SecurityReqID) or b""
    kind = request.get(tags.SecurityListRequestType)
    listed: list[Instrument] = []
    result = values.SecurityRequestResult.VALID_REQUEST
    if kind == values.SecurityListRequestType.ALL_SECURITIES:
        listed = catalogue.listed()
    elif kind == values.SecurityListRequestType.SYMBOL and request.get(tags.Symbol):
        symbol = (request.get(tags.Symbol) or b"").decode("latin-1")
        if catalogue.is_listed(symbol):
            listed = [catalogue.instrument_by_symbol[symbol]]
    else:
        result = values.SecurityRequestResult.INVALID_OR_UNSUPPORTED_REQUEST
    if not listed and result == values.SecurityRequestResult.VALID_REQUEST:
        result = values.SecurityRequestResult.NO_INSTRUMENTS_FOUND
    head = b"320=%b\x01322=%b\x01560=%b\x01" % (request_id, request_id, result)
    if not listed:
        return head
    entries = b"".join(map(_entry, listed))
    return b"%b393=%d\x01146=%d\x01%b" % (head, len(listed), len(listed), entries)


def sizes(instrument: Instrument) -> list[tuple[int, str]]:
    """Return lot and tick of orders, and their least and largest quantity."""
    limits = instrument.limits
    fields = [
        (tags.RoundLot, instrument.quantity_increment_text),
        (tags.MinTradeVol, instrument.quantity_text(instrument.order_lots_min)),
        (tags.MinPriceIncrement, instrument.price_increment_text),
    ]
    if limits.quantity_lots_max:
        fields.append((tags.MaxTradeVol, instrument.quantity_text(limits.quantity_lots_max)))
    return fields


def _entry(instrument: Instrument) -> bytes:
    names = [(tags.Symbol, instrument.symbol), (tags.Currency, instrument.quote.name)]
    return "".join(f"{tag}={value}\x01" for tag, value in names + sizes(instrument)).encode()

"""What an instrument is, over FIX: SecurityDefinitionRequest(c) and SecurityDefinition(d).

One instrument's terms, or all instruments', with what follows: listings, changes, the end.
"""

from __future__ import annotations

from itertools import count

from gateway.fix import tags, values
from gateway.fix.codec import FixMessage
from gateway.fix_application.security_list import sizes
from gateway.fix_application.subscriptions import Client, Problem, Refused, Subscriptions
from vocabulary.catalogue import Catalogue
from vocabulary.instrument import Instrument, decimal_text

SECURITY_DEFINITION_REQUEST, SECURITY_DEFINITION = b"c", b"d"

PPM_PLACES = 6
NS_PER_MS = 1_000_000
ALL = ""

_KIND = values.SecurityRequestType
_RESPONSE = values.SecurityResponseType
_ACTION = values.SecurityUpdateAction


class SecurityDefinitions(Subscriptions):
    """Who is told what is listed. A list of all begins with each of them."""

    id_tag = tags.SecurityReqID
    id_name = "SecurityReqID(320)"

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__()
        self._catalogue = catalogue
        self._response_ids = count(1)

    def topic(self, message: FixMessage) -> str:
        kind = message.get(tags.SecurityRequestType)
        symbol = (message.get(tags.Symbol) or b"").decode("latin-1")
        if kind == _KIND.LIST_SECURITIES and not symbol:
            return ALL
        if kind != _KIND.SECURITY_IDENTITY_AND_SPECIFICATIONS or not symbol:
            text = "SecurityRequestType(321) must be 0 with Symbol(55), or 3 without"
            raise Refused(Problem.UNSUPPORTED, text)
        if not self._catalogue.is_listed(symbol):
            raise Refused(Problem.UNKNOWN_TOPIC, f"Symbol(55) {symbol} is not listed")
        return symbol

    def answer(self, client: Client, request_id: bytes, topic: str, now_ns: int) -> None:
        if topic != ALL:
            described = _terms(self._catalogue.instrument_by_symbol[topic])
            body = self._head(request_id, _RESPONSE.ACCEPT_AS_IS) + described
            client.send(SECURITY_DEFINITION, body, now_ns)
            return
        listed = self._catalogue.listed()
        if not listed:
            body = self._head(request_id, _RESPONSE.CANNOT_MATCH_SELECTION_CRITERIA)
            client.send(SECURITY_DEFINITION, body + b"393=0\x01", now_ns)
        for each in listed:
            head = self._head(request_id, _RESPONSE.LIST_OF_SECURITIES)
            body = b"%b393=%d\x01%b" % (head, len(listed), _terms(each))
            client.send(SECURITY_DEFINITION, body, now_ns)

    def refuse(self, client: Client, message: FixMessage, refused: Refused, now_ns: int) -> None:
        is_unknown = refused.problem is Problem.UNKNOWN_TOPIC
        kind = (
            _RESPONSE.CANNOT_MATCH_SELECTION_CRITERIA if is_unknown else _RESPONSE.REJECT_PROPOSAL
        )
        head = self._head(message.get(tags.SecurityReqID) or b"", kind)
        body = b"%b58=%b\x01" % (head, refused.text.encode())
        client.send(SECURITY_DEFINITION, body, now_ns)

    def on_change(self, instrument: Instrument, *, is_new: bool, now_ns: int) -> None:
        """Tell that an instrument was listed, is otherwise than it was, or is listed no more."""
        is_gone = not self._catalogue.is_listed(instrument.symbol)
        action = _ACTION.DELETE if is_gone else _ACTION.ADD if is_new else _ACTION.MODIFY
        for client, request_id in self.subscribers(instrument.symbol) + self.subscribers(ALL):
            head = self._head(request_id, _RESPONSE.ACCEPT_AS_IS)
            body = b"%b980=%b\x01%b" % (head, action, _terms(instrument))
            self.tell(client, SECURITY_DEFINITION, body, now_ns)

    def _head(self, request_id: bytes, kind: bytes) -> bytes:
        response_id = next(self._response_ids)
        return b"320=%b\x01322=%d\x01323=%b\x01" % (request_id, response_id, kind)


def _terms(instrument: Instrument) -> bytes:
    """Return sizes, limits as far as there are any, and the fees of who is in no tier."""
    base, quote, limits = instrument.base, instrument.quote, instrument.limits
    fields: list[tuple[int, object]] = [
        (tags.Symbol, instrument.symbol),
        (tags.BaseCurrency, base.name),
        (tags.BaseCurrencyPlaces, base.scale),
        (tags.Currency, quote.name),
        (tags.CurrencyPlaces, quote.scale),
        *sizes(instrument),
    ]
    limited: list[tuple[int, int, object]] = [
        (tags.MinNotional, limits.notional_units_min, quote.text(limits.notional_units_min)),
        (tags.MaxNotional, limits.notional_units_max, quote.text(limits.notional_units_max)),
        (tags.MaxOpenOrders, limits.open_orders_max, limits.open_orders_max),
        (tags.PriceBand, limits.price_band_ppm, _rate(limits.price_band_ppm)),
        (tags.MarketCollar, limits.market_collar_ppm, _rate(limits.market_collar_ppm)),
        (tags.VolatilityBand, limits.volatility_band_ppm, _rate(limits.volatility_band_ppm)),
        (
            tags.VolatilityAuctionTime,
            limits.volatility_auction_ns,
            limits.volatility_auction_ns // NS_PER_MS,
        ),
    ]
    fields += [(tag, text) for tag, limit, text in limited if limit]
    fields += [
        (tags.MakerFee, _rate(instrument.maker_fee_ppm)),
        (tags.TakerFee, _rate(instrument.taker_fee_ppm)),
    ]
    return "".join(f"{tag}={value}\x01" for tag, value in fields).encode()


def _rate(ppm: int) -> str:
    return decimal_text(ppm, PPM_PLACES)

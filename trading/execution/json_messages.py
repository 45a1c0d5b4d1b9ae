"""The engine's requests as a Binance-shaped WebSocket API has them, and its messages as reports.

Signed requests with HMAC-SHA256 over the sorted parameters, and the user data stream's
`executionReport` (binance-spot-api-docs: web-socket-api.md, user-data-stream.md). Neither sockets
nor a clock.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct, field

from trading.decisions import OrderName, OrderStyle, parse_client_order_id
from trading.events import ReportKind
from trading.execution import venue as v
from trading.execution.holdings import fee_units
from vocabulary.instrument import Instrument
from vocabulary.types import Side

RECEIVE_WINDOW_MS = 2_000
"""The venue refuses what arrives later than so long after it was sent."""
TRADES_MAX = 1_000
NS_PER_MS = 1_000_000

_NO_SUCH_ORDER = -2013
# The venue says of these that it can't tell, or did not get so far (errors.md, 10xx).
_UNKNOWN_OUTCOMES = {-1000, -1001, -1006, -1007, -1008}
_TYPES = {
    OrderStyle.RESTING: {"type": "LIMIT", "timeInForce": "GTC"},
    OrderStyle.POST_ONLY: {"type": "LIMIT_MAKER"},
    OrderStyle.IMMEDIATE: {"type": "LIMIT", "timeInForce": "IOC"},
}
_AMENDMENTS = {"TRADE_CANCEL", "TRADE_CORRECT"}
_ENDS = {"CANCELED": ReportKind.CANCELED, "EXPIRED": ReportKind.EXPIRED}


class Error(Struct):
    code: int
    msg: str


class ExecutionReport(Struct):
    """What we read of a user data event; of other events than this there is only `kind`."""

    kind: str = field(name="e")
    symbol: str = field(name="s", default="")
    client_order_id: str = field(name="c", default="")
    original_client_order_id: str = field(name="C", default="")
    execution_type: str = field(name="x", default="")
    last_quantity: str = field(name="l", default="0")
    cumulative_quantity: str = field(name="z", default="0")
    last_price: str = field(name="L", default="0")
    fee: str = field(name="n", default="0")
    time_ms: int = field(name="T", default=0)
    trade_id: int = field(name="t", default=-1)
    side: str = field(name="S", default="")
    is_maker: bool = field(name="m", default=False)
    execution_id: int | str = field(name="I", default="")

    @property
    def sequence(self) -> int:
        """Return the venue's sequence, with which our own venue begins an execution id."""
        text = str(self.execution_id).split("-", maxsplit=1)[0]
        return int(text) if text.isdecimal() else 0


class Message(Struct):
    """An answer, which has an id, or an event."""

    id: int | str | None = None
    status: int = 0
    result: Raw = Raw(b"null")
    error: Error | None = None
    event: ExecutionReport | None = None


class _Acknowledged(Struct, rename="camel"):
    transact_time: int


class _OrderState(Struct, rename="camel"):
    order_id: int
    executed_qty: str
    status: str
    update_time: int


class _Trade(Struct, rename="camel"):
    id: int
    price: str
    qty: str
    commission: str
    time: int
    is_buyer: bool
    is_maker: bool
    amendment: str = ""
    """Our own venue's: `BUSTED` is as it was, `CORRECTED` as it is now."""


_decode_message = msgspec.json.Decoder(Message).decode
_decode_acknowledged = msgspec.json.Decoder(_Acknowledged).decode
_decode_order = msgspec.json.Decoder(_OrderState).decode
_decode_trades = msgspec.json.Decoder(list[_Trade]).decode


class JsonMessages:
    """One account's words."""

    def __init__(self, api_key: str, secret: str, instruments: Mapping[str, Instrument]) -> None:
        self._api_key = api_key
        self._secret = secret.encode()
        self._instruments = instruments

    def encode(self, request_id: int | str, request: v.Request, now_ns: int) -> bytes:
        """Return the message of a request."""
        symbol = {"symbol": request.name.symbol}
        match request:
            case v.PlaceOrder():
                return self.signed(request_id, "order.place", symbol | self._terms(request), now_ns)
            case v.CancelOrder():
                names = {
                    "origClientOrderId": request.name.client_order_id,
                    "newClientOrderId": request.client_order_id,
                }
                return self.signed(request_id, "order.cancel", symbol | names, now_ns)
            case v.AskOrder():
                names = {"origClientOrderId": request.name.client_order_id}
                return self.signed(request_id, "order.status", symbol | names, now_ns)
            case v.AskTrades():
                return self.ask_trades(request_id, request, 0, now_ns)
            case v.AskFills():
                return self.ask_trades(request_id, request, request.from_trade_id, now_ns)

    def ask_trades(
        self,
        request_id: int | str,
        request: v.AskTrades | v.AskFills,
        from_id: int,
        now_ns: int,
    ) -> bytes:
        asked: dict[str, str | int] = {
            "symbol": request.name.symbol,
            "fromId": from_id,
            "limit": TRADES_MAX,
        }
        if isinstance(request, v.AskTrades):
            asked["orderId"] = request.order_id
        return self.signed(request_id, "myTrades", asked, now_ns)

    def signed(
        self, request_id: int | str, method: str, parameters: Mapping[str, str | int], now_ns: int
    ) -> bytes:
        """Return any signed request's message."""
        filled: dict[str, str | int] = {
            **parameters,
            "apiKey": self._api_key,
            "recvWindow": RECEIVE_WINDOW_MS,
            "timestamp": now_ns // NS_PER_MS,
        }
        payload = "&".join(f"{name}={filled[name]}" for name in sorted(filled)).encode()
        filled["signature"] = hmac.new(self._secret, payload, hashlib.sha256).hexdigest()
        return msgspec.json.encode({"id": request_id, "method": method, "params": filled})

    def report_of_event(self, event: ExecutionReport) -> v.VenueReport | None:
        """Return what a user data event tells of an order of a strategy's, None if nothing."""
        if event.kind != "executionReport":
            return None
        is_asked_for = event.execution_type == "CANCELED" and event.original_client_order_id
        order_id = event.original_client_order_id if is_asked_for else event.client_order_id
        name = parse_client_order_id(order_id)
        instrument = self._instruments.get(event.symbol)
        if name is None or instrument is None:
            return None
        time_ns, sequence = event.time_ms * NS_PER_MS, event.sequence
        cumulative_lots = instrument.quantity_lots(event.cumulative_quantity)
        if event.execution_type == "NEW":
            return v.Accepted(name, sequence, time_ns)
        if event.execution_type in _ENDS:
            by = event.client_order_id if is_asked_for else ""
            kind = _ENDS[event.execution_type]
            return v.Ended(name, kind, cumulative_lots, by, "", sequence, time_ns)
        if event.execution_type != "TRADE" and event.execution_type not in _AMENDMENTS:
            return None
        side = Side[event.side]
        fill = v.Traded(
            name,
            side,
            event.trade_id,
            instrument.price_ticks(event.last_price),
            instrument.quantity_lots(event.last_quantity),
            fee_units(event.fee, side, instrument),
            event.is_maker,
            cumulative_lots,
            sequence,
            time_ns,
        )
        if event.execution_type == "TRADE":
            return fill
        return v.Amended(name, fill.undone() if event.execution_type == "TRADE_CANCEL" else fill)

    def report_of_answer(self, request: v.Request, message: Message) -> v.VenueReport | None:
        """Return what an answer tells; fills of `AskTrades` are for `fills`."""
        if message.error is not None:
            return _report_of_error(request, message.error)
        if isinstance(request, v.PlaceOrder):
            time_ms = _decode_acknowledged(message.result).transact_time
            return v.Accepted(request.name, 0, time_ms * NS_PER_MS)
        if isinstance(request, v.AskOrder):
            return self._found(request.name, _decode_order(message.result))
        return None

    def fills(self, name: OrderName, result: Raw) -> tuple[v.Traded, ...]:
        """Return the fills of an order; the venue does not say how much each one left open."""
        instrument = self._instruments[name.symbol]
        return tuple(_fill(name, trade, instrument) for trade in _decode_trades(result))

    def _terms(self, order: v.PlaceOrder) -> dict[str, str]:
        instrument = self._instruments[order.name.symbol]
        return {
            **_TYPES[order.style],
            "side": Side(order.side).name,
            "price": instrument.price_text(order.price_ticks),
            "quantity": instrument.quantity_text(order.lots),
            "newClientOrderId": order.name.client_order_id,
            "newOrderRespType": "ACK",
        }

    def _found(self, name: OrderName, state: _OrderState) -> v.OrderFound:
        return v.OrderFound(
            name,
            state.order_id,
            self._instruments[name.symbol].quantity_lots(state.executed_qty),
            _ENDS.get(state.status),
            state.update_time * NS_PER_MS,
        )


def fills_of(name: OrderName, trades: Any, instrument: Instrument) -> list[v.Traded]:
    """Return the fills that `myTrades` answered, decoded. Raises `msgspec.ValidationError`."""
    return [_fill(name, trade, instrument) for trade in msgspec.convert(trades, list[_Trade])]


def decode(data: bytes) -> Message:
    """Return a message. Raises `msgspec.MsgspecError`."""
    return _decode_message(data)


def _fill(name: OrderName, trade: _Trade, instrument: Instrument) -> v.Traded:
    side = Side.BUY if trade.is_buyer else Side.SELL
    fill = v.Traded(
        name,
        side,
        trade.id,
        instrument.price_ticks(trade.price),
        instrument.quantity_lots(trade.qty),
        fee_units(trade.commission, side, instrument),
        trade.is_maker,
        0,
        0,
        trade.time * NS_PER_MS,
    )
    return fill.undone() if trade.amendment == "BUSTED" else fill


def _report_of_error(request: v.Request, error: Error) -> v.VenueReport | None:
    reason = f"venue: {error.msg} ({error.code})"
    if isinstance(request, v.AskOrder) and error.code == _NO_SUCH_ORDER:
        return v.NoSuchOrder(request.name)
    if isinstance(request, v.AskOrder | v.AskTrades | v.AskFills):
        return None  # it is asked again
    if error.code in _UNKNOWN_OUTCOMES:
        return v.OutcomeUnknown(request.name, reason)
    if isinstance(request, v.CancelOrder):
        return v.CancelRefused(request.name, request.client_order_id, reason)
    return v.Refused(request.name, reason)

"""A simulated trader on the WebSocket API: signed requests, and its own user data stream."""

import asyncio
import contextlib
import hashlib
import hmac
import time
from itertools import count
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from agio.demo.cast import Player
from agio.demo.market import MARKETS, Cancel, Enter, Mind
from agio.demo.tally import Tally

OPEN = {"NEW", "PARTIALLY_FILLED"}
CANCELS = {"order.cancel", "openOrders.cancelAll"}
LEAVE_TIMEOUT_S = 5.0


class WebSocketTrader:
    """Trades by its own mind until it is cancelled, then takes its orders out and leaves."""

    def __init__(self, player: Player, mind: Mind, tally: Tally) -> None:
        self._player = player
        self._mind = mind
        self._tally = tally
        self._waiting: dict[str, Enter] = {}
        self._request_ids = count(1)
        self._unanswered: dict[int, str] = {}  # a request's id, and its method
        self._all_answered = asyncio.Event()

    async def trade(self, url: str, interval_s: float) -> None:
        """Connect and send a wish every `interval_s`.

        Raises `OSError`, and `WebSocketException` if the venue does not take the connection.
        """
        async with connect(f"{url}/ws-api/v3") as socket:
            self._unanswered.clear()
            reading = asyncio.create_task(self._read(socket))
            try:
                await self._request(socket, "userDataStream.subscribe.signature", {})
                while not reading.done():
                    await self._send(socket, self._mind.next_wish())
                    await asyncio.sleep(interval_s)
            except ConnectionClosed:
                pass
            finally:
                await self._leave(socket)
                reading.cancel()
        raise ConnectionError(f"{self._player.account}: {socket.close_reason or 'closed'}")

    async def _leave(self, socket: ClientConnection) -> None:
        """Take all orders out, also those that were not acknowledged yet, and wait for it."""
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(LEAVE_TIMEOUT_S):
                for market in MARKETS:
                    fields = {"symbol": market.symbol}
                    await self._request(socket, "openOrders.cancelAll", fields)
                await self._all_answered.wait()

    async def _read(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                message = msgspec.json.decode(text)
                if "event" in message:
                    self._receive_event(message["event"])
                else:
                    self._receive_answer(message)

    def _receive_answer(self, answer: dict[str, Any]) -> None:
        method = self._unanswered.pop(answer["id"])
        if not self._unanswered:
            self._all_answered.set()
        # A cancel of what has ended meanwhile fails, and means nothing.
        if answer["status"] != 200 and method not in CANCELS:
            self._tally.refused(answer["error"]["msg"])

    def _receive_event(self, event: dict[str, Any]) -> None:
        if event["e"] != "executionReport":
            return
        client_order_id = event["c"]
        match event["x"]:
            case "NEW":
                self._tally.orders += 1
                if client_order_id in self._waiting:
                    self._mind.opened(self._waiting.pop(client_order_id))
            case "TRADE":
                self._tally.fills += 1
        if event["X"] not in OPEN:
            self._mind.closed(client_order_id)

    async def _send(self, socket: ClientConnection, wish: Enter | Cancel) -> None:
        if isinstance(wish, Cancel):
            fields = {"symbol": wish.symbol, "origClientOrderId": wish.original_client_order_id}
            await self._request(socket, "order.cancel", fields)
            return
        self._waiting[wish.client_order_id] = wish
        fields = {
            "symbol": wish.symbol,
            "side": "BUY" if wish.is_buy else "SELL",
            "type": "LIMIT",
            "timeInForce": "IOC" if wish.is_immediate else "GTC",
            "price": wish.price,
            "quantity": wish.quantity,
            "newClientOrderId": wish.client_order_id,
            "newOrderRespType": "ACK",
        }
        await self._request(socket, "order.place", fields)

    async def _request(self, socket: ClientConnection, method: str, fields: dict[str, str]) -> None:
        """Send a signed request."""
        parameters: dict[str, str | int] = {
            **fields,
            "apiKey": self._player.api_key,
            "timestamp": time.time_ns() // 1_000_000,
        }
        payload = "&".join(f"{name}={value}" for name, value in sorted(parameters.items()))
        secret = self._player.secret.encode()
        parameters["signature"] = hmac.new(secret, payload.encode(), hashlib.sha256).hexdigest()
        request_id = next(self._request_ids)
        self._unanswered[request_id] = method
        self._all_answered.clear()
        request = {"id": request_id, "method": method, "params": parameters}
        await socket.send(msgspec.json.encode(request).decode())

"""A simulated trader on FIX 4.4, with our own session as the initiator."""

import asyncio
import contextlib
import time
from typing import cast

from agio.demo.cast import Player
from agio.demo.market import Cancel, Enter, Mind
from agio.demo.tally import Tally
from gateway.fix import tags, values
from gateway.fix.codec import FixMessage, encode_fields
from gateway.fix.events import LoggedOn, SessionClosed
from gateway.fix.session import Session, SessionSettings
from gateway.fix.store import MemoryStore
from gateway.fix.timestamps import format_utc_timestamp

NEW_ORDER_SINGLE, ORDER_CANCEL_REQUEST, EXECUTION_REPORT = b"D", b"F", b"8"
OPEN = {values.OrdStatus.NEW, values.OrdStatus.PARTIALLY_FILLED}
LOGON_TIMEOUT_S = 10.0
LEAVE_TIMEOUT_S = 5.0


class FixConnection(asyncio.Protocol):
    """One session over one connection: hands up messages, and flushes what is to be sent."""

    def __init__(self, settings: SessionSettings, trader: "FixTrader") -> None:
        now_ns = time.time_ns()
        self.session = Session.initiator(settings, MemoryStore(now_ns), now_ns)
        self.logged_on = asyncio.Event()
        self.closed = asyncio.Event()
        self.closed_text = ""
        self._trader = trader
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.session.send_logon(time.time_ns())
        self.flush()

    def data_received(self, data: bytes) -> None:
        self.session.receive_data(data, time.time_ns())
        self.flush()

    def connection_lost(self, _error: Exception | None) -> None:
        self.session.receive_eof(time.time_ns())
        self.flush()
        self.closed.set()

    def flush(self) -> None:
        """Take what came of the last call: events up, bytes out."""
        assert self._transport is not None
        for event in self.session.events_received():
            if isinstance(event, FixMessage):
                self._trader.receive(event)
                self.session.taken(event.msg_seq_num)
            elif isinstance(event, LoggedOn):
                self.logged_on.set()
            elif isinstance(event, SessionClosed):
                self.closed_text = event.text
                self._transport.write(self.session.data_to_send())
                self._transport.close()
        if data := self.session.data_to_send():
            self._transport.write(data)


class FixTrader:
    """Trades by its own mind until it is cancelled, then takes its orders out and logs out."""

    def __init__(self, player: Player, mind: Mind, tally: Tally, comp_id: str) -> None:
        self._player = player
        self._mind = mind
        self._tally = tally
        self._waiting: dict[str, Enter] = {}
        self._settings = SessionSettings(
            sender_comp_id=player.account.upper().encode(),
            target_comp_id=comp_id.encode(),
            heartbeat_interval_s=10,
            username=player.api_key.encode(),
            password=player.secret.encode(),
            reset_on_logon=True,
        )

    async def trade(self, host: str, port: int, interval_s: float) -> None:
        """Log on and send a wish every `interval_s`. Raises `OSError`, `ConnectionError`."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: FixConnection(self._settings, self), host, port
        )
        self._waiting.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(connection.logged_on.wait(), LOGON_TIMEOUT_S)
        try:
            while connection.session.is_logged_on:
                self._send(connection, self._mind.next_wish())
                connection.session.tick(time.time_ns())
                connection.flush()
                await asyncio.sleep(interval_s)
            raise ConnectionError(f"{self._player.account}: {connection.closed_text or 'no Logon'}")
        finally:
            await self._leave(connection)

    async def _leave(self, connection: FixConnection) -> None:
        """Take all orders out, also those that were not acknowledged yet, and log out."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_TIMEOUT_S):
                while connection.session.is_logged_on and (self._mind.open or self._waiting):
                    for client_order_id in list(self._mind.open):
                        self._send(connection, self._mind.cancel(client_order_id))
                    connection.flush()
                    await asyncio.sleep(0.01)
        connection.session.send_logout("", time.time_ns())
        connection.flush()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(connection.closed.wait(), LEAVE_TIMEOUT_S)

    def receive(self, message: FixMessage) -> None:
        """Take a report into the tally and the mind."""
        if message.msg_type != EXECUTION_REPORT:
            return  # OrderCancelReject(9): the order had ended before; its own report tells
        client_order_id = (message.get(tags.ClOrdID) or b"").decode()
        status = message.get(tags.OrdStatus)
        order = self._waiting.pop(client_order_id, None)
        match message.get(tags.ExecType):
            case values.ExecType.NEW:
                self._tally.orders += 1
            case values.ExecType.TRADE:
                self._tally.fills += 1
            case values.ExecType.REJECTED:
                self._tally.refused((message.get(tags.Text) or b"").decode())
        if order is not None and status in OPEN:
            self._mind.opened(order)
        elif status not in OPEN:
            self._mind.closed(client_order_id)

    def _send(self, connection: FixConnection, wish: Enter | Cancel) -> None:
        now_ns = time.time_ns()
        fields = [
            (tags.ClOrdID, wish.client_order_id.encode()),
            (tags.Symbol, wish.symbol.encode()),
            (tags.Side, values.Side.BUY if wish.is_buy else values.Side.SELL),
            (tags.TransactTime, format_utc_timestamp(now_ns)),
        ]
        if isinstance(wish, Cancel):
            fields.insert(0, (tags.OrigClOrdID, wish.original_client_order_id.encode()))
            connection.session.send_application(ORDER_CANCEL_REQUEST, encode_fields(fields), now_ns)
            return
        self._waiting[wish.client_order_id] = wish
        immediate = values.TimeInForce.IMMEDIATE_OR_CANCEL
        resting = values.TimeInForce.GOOD_TILL_CANCEL
        fields += [
            (tags.OrderQty, wish.quantity.encode()),
            (tags.OrdType, values.OrdType.LIMIT),
            (tags.Price, wish.price.encode()),
            (tags.TimeInForce, immediate if wish.is_immediate else resting),
        ]
        connection.session.send_application(NEW_ORDER_SINGLE, encode_fields(fields), now_ns)

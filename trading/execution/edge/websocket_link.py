"""A strategy's link over the WebSocket API: signed requests out, answers and user data in.

Both come over one connection and in the venue's order. So once the user data stream is subscribed
to, an answer never tells less than the events before it, nor the events after it less than it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count
from typing import Any

import msgspec
import structlog

from trading.credentials import Credentials
from trading.execution import json_messages
from trading.execution import venue as v
from trading.execution.edge.links import BACKOFF_S_MAX, BACKOFF_S_MIN, LinkOwner, VenueError
from trading.execution.json_messages import TRADES_MAX, JsonMessages, Message
from trading.feeds.edge.websocket_stream import WebSocketStream, connect
from vocabulary.instrument import Instrument

ANSWER_S_MAX = 5.0
COUNTDOWN_S = 10.0
"""The venue cancels the strategy's orders when no instance has been heard of for so long."""
COUNTDOWN_RENEWED_S = 2.5

log = structlog.get_logger("execution")


class WebSocketLink:
    """`url`: ws://HOST:PORT of the venue."""

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        instruments: Mapping[str, Instrument],
        owner: LinkOwner,
    ) -> None:
        self._url = f"{url}/ws-api/v3"
        self._messages = JsonMessages(*credentials, instruments)
        self._owner = owner
        self._stream: WebSocketStream | None = None
        self._ids = count(1)
        self._asked: dict[int, v.Request] = {}
        self._fills: dict[int, tuple[v.Traded, ...]] = {}
        self._questions: dict[int, asyncio.Future[Any]] = {}
        self._instruments = instruments
        self._renewals: set[int] = set()

    async def run(self) -> None:
        backoff_s = BACKOFF_S_MIN
        while True:
            try:
                await self._serve()
                backoff_s = BACKOFF_S_MIN
            except (OSError, TimeoutError, VenueError) as error:
                reason = f"{type(error).__name__}: {error}"
                log.warning("venue not reached", reason=reason, retry_in_s=backoff_s)
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)

    def send(self, requests: Sequence[v.Request]) -> None:
        if self._stream is None or self._stream.closed.is_set():
            return
        now_ns = time.time_ns()
        messages = []
        for request in requests:
            request_id = next(self._ids)
            self._asked[request_id] = request
            messages.append(self._messages.encode(request_id, request, now_ns))
        self._stream.send(messages)

    async def ask(self, method: str, **parameters: str | int) -> Any:
        if self._stream is None or self._stream.closed.is_set():
            raise ConnectionError("not connected")
        request_id = next(self._ids)
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._questions[request_id] = answered
        message = self._messages.signed(request_id, method, parameters, time.time_ns())
        self._stream.send([message])
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                return await answered
        finally:
            self._questions.pop(request_id, None)

    async def _serve(self) -> None:
        """Keep one connection, from its beginning to its end."""
        self._stream = stream = await connect(self._url, self._receive)
        try:
            await self.ask("userDataStream.subscribe.signature")
            log.info("venue reached", url=self._url)
            self._renew_countdowns(stream)
            self._owner.on_ready(True)
            while not stream.closed.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(COUNTDOWN_RENEWED_S):
                        await stream.closed.wait()
                stream.ping()
                if stream.is_open:
                    self._renew_countdowns(stream)
            log.warning("venue lost", reason=stream.close_reason)
        finally:
            stream.abort()
            self._stream = None
            self._forget()
            self._owner.on_ready(False)

    def _renew_countdowns(self, stream: WebSocketStream) -> None:
        """Let the venue go on waiting with the cancel of all that is open, in every symbol.

        Every instance does so for all symbols of the strategy: a symbol may be another's.
        """
        method, countdown_ms = "openOrders.countdownCancelAll", int(COUNTDOWN_S * 1_000)
        now_ns = time.time_ns()
        messages = []
        self._renewals.clear()
        for symbol in self._instruments:
            request_id = next(self._ids)
            self._renewals.add(request_id)
            terms: dict[str, str | int] = {"symbol": symbol, "countdownTime": countdown_ms}
            messages.append(self._messages.signed(request_id, method, terms, now_ns))
        stream.send(messages)

    def _forget(self) -> None:
        """Give up on everything that was asked."""
        self._asked.clear()
        self._fills.clear()
        for answered in self._questions.values():
            if not answered.done():
                answered.set_exception(ConnectionError("the connection was lost"))
        self._questions.clear()

    def _receive(self, messages: list[bytes], _received_ns: int) -> None:
        reports: list[v.VenueReport] = []
        acknowledged: list[v.VenueReport] = []
        for data in messages:
            try:
                message = json_messages.decode(data)
            except msgspec.MsgspecError as error:
                log.warning("venue not understood", reason=str(error), message=repr(data[:200]))
                continue
            if message.event is not None:
                if message.event.kind == "eventStreamTerminated" and self._stream is not None:
                    self._stream.abort()
                report = self._messages.report_of_event(message.event)
            else:
                report = self._answer(message)
            if isinstance(report, v.Accepted) and message.event is None:
                acknowledged.append(report)
            elif report is not None:
                reports.append(report)
        # An event tells more of an acceptance than an answer; if it comes, it is here by now.
        reports += acknowledged
        if reports:
            self._owner.on_reports(reports)

    def _answer(self, message: Message) -> v.VenueReport | None:
        if not isinstance(message.id, int):
            log.error("venue refused a message", reason=str(message.error))
            return None
        if message.id in self._renewals and message.error is not None:
            log.error("the venue refused a countdown", reason=message.error.msg)
        question = self._questions.get(message.id)
        if question is not None:
            _settle(question, message)
            return None
        request = self._asked.pop(message.id, None)
        if request is None:
            return None
        if isinstance(request, v.AskTrades | v.AskFills) and message.error is None:
            return self._take_fills(message.id, request, message)
        return self._messages.report_of_answer(request, message)

    def _take_fills(
        self, request_id: int, request: v.AskTrades | v.AskFills, message: Message
    ) -> v.VenueReport | None:
        """Return all fills, or ask for the next page of them."""
        page = self._messages.fills(request.name, message.result)
        fills = self._fills.pop(request_id, ()) + page
        if len(page) < TRADES_MAX or self._stream is None:
            return v.TradesFound(request.name, fills)
        following = next(self._ids)
        self._asked[following], self._fills[following] = request, fills
        from_id = page[-1].trade_id  # a trade with oneself is two fills, which this may have cut
        self._stream.send([self._messages.ask_trades(following, request, from_id, time.time_ns())])
        return None


def _settle(question: asyncio.Future[Any], message: Message) -> None:
    if question.done():
        return
    if message.error is not None:
        question.set_exception(VenueError(f"{message.error.msg} ({message.error.code})"))
    else:
        question.set_result(msgspec.json.decode(message.result))

"""A strategy's link over FIX: orders and their reports there, everything else over WebSocket.

FIX tells an order's session about it and no other, knows no fills of orders that have ended, and no
balances. So beside the session there is a `WebSocketLink`, on which the whole account's reports
come too. Whichever is first counts: what is told twice is one and the same report.

Each logon begins with ResetSeqNumFlag(141)=Y. An order that was on its way when a connection broke
is asked about by its ClOrdID(11); nothing is ever sent again because MsgSeqNum(34) says so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.fix import tags, values
from gateway.fix.codec import FixMessage
from gateway.fix.events import MessageRefused
from gateway.fix.session import SessionSettings
from trading.credentials import Credentials
from trading.execution import venue as v
from trading.execution.edge import fix_messages
from trading.execution.edge.links import LinkOwner
from trading.execution.edge.websocket_link import WebSocketLink
from trading.fix.edge.initiator import FixInitiator
from vocabulary.instrument import Instrument

HEARTBEAT_S = 5
CANCEL_ON_DISCONNECT = [
    (tags.CancelOnDisconnect, values.CancelOnDisconnect.SESSION),
    (tags.CODTimeoutWindow, b"10000"),
]
"""The venue cancels what this instance has sent when its session is gone for so many milliseconds:
nobody may be left who could."""


class FixLink:
    """`address`: HOST:PORT of the order entry; `websocket_url`: ws://HOST:PORT of the venue."""

    def __init__(
        self,
        address: str,
        websocket_url: str,
        comp_ids: tuple[str, str],
        credentials: Credentials,
        instruments: Mapping[str, Instrument],
        owner: LinkOwner,
    ) -> None:
        sender_comp_id, target_comp_id = comp_ids
        settings = SessionSettings(
            sender_comp_id.encode(),
            target_comp_id.encode(),
            heartbeat_interval_s=HEARTBEAT_S,
            username=credentials.api_key.encode(),
            password=credentials.secret.encode(),
            reset_on_logon=True,
        )
        self._instruments = instruments
        self._owner = owner
        self._is_heard = False
        self._session = FixInitiator(
            address,
            settings,
            on_messages=self._receive,
            on_logged_on=self._tell_logged_on,
            logon_fields=CANCEL_ON_DISCONNECT,
        )
        self._questions = WebSocketLink(
            websocket_url, credentials, instruments, LinkOwner(owner.on_reports, self._hear)
        )

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._questions.run())
            tasks.create_task(self._session.run())

    def send(self, requests: Sequence[v.Request]) -> None:
        questions: list[v.Request] = []
        messages: list[tuple[bytes, bytes]] = []
        now_ns = time.time_ns()
        for request in requests:
            if isinstance(request, v.AskOrder | v.AskTrades | v.AskFills):
                questions.append(request)
            else:
                instrument = self._instruments[request.name.symbol]
                messages.append(fix_messages.body_of(request, instrument, now_ns))
        if messages:
            self._session.send(messages, now_ns)
        if questions:
            self._questions.send(questions)

    async def ask(self, method: str, **parameters: str | int) -> Any:
        return await self._questions.ask(method, **parameters)

    def _hear(self, is_heard: bool) -> None:
        was_ready = self._is_heard and self._session.is_logged_on
        self._is_heard = is_heard
        self._tell_ready(was_ready)

    def _tell_logged_on(self, is_logged_on: bool) -> None:
        self._tell_ready(self._is_heard and not is_logged_on)

    def _tell_ready(self, was_ready: bool) -> None:
        is_ready = self._is_heard and self._session.is_logged_on
        if is_ready != was_ready:
            self._owner.on_ready(is_ready)

    def _receive(self, messages: list[FixMessage | MessageRefused], _received_ns: int) -> None:
        """Take what one wakeup brought."""
        reports = [
            report
            for message in messages
            if isinstance(message, FixMessage)
            and (report := fix_messages.report_of(message, self._instruments)) is not None
        ]
        if reports:
            self._owner.on_reports(reports)

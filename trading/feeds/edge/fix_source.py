"""agio's FIX market data as a source: one session, which is asked everything over itself."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Sequence
from itertools import count
from urllib.parse import parse_qs, urlsplit

import structlog

from gateway.fix import tags, values
from gateway.fix.codec import FixMessage, encode_fields
from gateway.fix.events import MessageRefused
from gateway.fix.session import SessionSettings
from trading.credentials import Credentials
from trading.feeds.edge.sources import Receive
from trading.feeds.fix_schema import MESSAGE_BYTES_MAX
from trading.feeds.handler import Input, InputKind, Question
from trading.fix.edge.initiator import FixInitiator

HEARTBEAT_S = 5
ANSWER_S_MAX = 5.0
SUBSCRIBE_AGAIN_S = 1.0
_WHOLE_BOOK = b"0"
_BOOK = (values.MDEntryType.BID, values.MDEntryType.OFFER)
_REQUEST, _REQUEST_REJECT = b"V", b"Y"
_SECURITY_LIST_REQUEST, _SECURITY_LIST = b"x", b"y"
_STATUS_REQUEST, _STATUS = b"e", b"f"
_MARKET_DATA = frozenset({b"W", b"X", _SECURITY_LIST, _STATUS})
_BUSINESS_REJECT = b"j"

log = structlog.get_logger("feeds")


class FixSource:
    """`url`: fix://HOST:PORT of an agio's FIX market data, or fixs:// over TLS.

    `?sender=` is our CompID, which no other session may have, `?target=` the venue's. Each symbol's
    phases, whole book and trades are subscribed to at each logon; every message goes on as it came.
    """

    is_live = True

    def __init__(
        self,
        url: str,
        number: int,
        symbols: Sequence[str],
        receive: Receive,
        credentials: Credentials,
    ) -> None:
        parts = urlsplit(url)
        given = parse_qs(parts.query)
        settings = SessionSettings(
            given.get("sender", [f"FEEDS{number}"])[0].encode(),
            given.get("target", ["AGIO"])[0].encode(),
            heartbeat_interval_s=HEARTBEAT_S,
            username=credentials.api_key.encode(),
            password=credentials.secret.encode(),
            reset_on_logon=True,
            message_bytes_max=MESSAGE_BYTES_MAX,
        )
        self._number = number
        self._symbols = [symbol.encode() for symbol in symbols]
        self._receive = receive
        self._request_ids = count(1)
        self._asked: dict[bytes, asyncio.Future[None]] = {}
        self._session = FixInitiator(
            f"{parts.hostname}:{parts.port}",
            settings,
            on_messages=self._take,
            on_logged_on=self._tell_logged_on,
            tls=ssl.create_default_context() if parts.scheme == "fixs" else None,
        )

    async def run(self) -> None:
        """Keep the session."""
        await self._session.run()

    async def ask(self, question: Question) -> None:
        """Ask over the session. Raises `OSError` or `TimeoutError`."""
        request_id = b"ask-%d" % next(self._request_ids)
        answered = asyncio.get_running_loop().create_future()
        self._asked[request_id] = answered
        try:
            if question.kind is InputKind.DEPTH:
                self._request_book(request_id, question.symbol.encode())
            else:
                kind = values.SecurityListRequestType.ALL_SECURITIES
                fields = [(tags.SecurityReqID, request_id), (tags.SecurityListRequestType, kind)]
                self._send(_SECURITY_LIST_REQUEST, fields)
            async with asyncio.timeout(ANSWER_S_MAX):
                await answered
        finally:
            del self._asked[request_id]

    def _tell_logged_on(self, is_logged_on: bool) -> None:
        kind = InputKind.CONNECTED if is_logged_on else InputKind.DISCONNECTED
        self._receive([Input(kind, self._number, time.time_ns())])
        if is_logged_on:
            for symbol in self._symbols:
                self._subscribe_to_status(symbol)
                self._subscribe(symbol)

    def _subscribe_to_status(self, symbol: bytes) -> None:
        wanted = values.SubscriptionRequestType.SNAPSHOT_PLUS_UPDATES
        fields = [
            (tags.SecurityStatusReqID, symbol),
            (tags.Symbol, symbol),
            (tags.SubscriptionRequestType, wanted),
        ]
        self._send(_STATUS_REQUEST, fields)

    def _subscribe(self, symbol: bytes) -> None:
        wanted = values.SubscriptionRequestType.SNAPSHOT_PLUS_UPDATES
        update_type = (tags.MDUpdateType, values.MDUpdateType.INCREMENTAL_REFRESH)
        types = (*_BOOK, values.MDEntryType.TRADE)
        self._request(symbol, wanted, symbol, types, [update_type])

    def _request_book(self, request_id: bytes, symbol: bytes) -> None:
        self._request(request_id, values.SubscriptionRequestType.SNAPSHOT, symbol, _BOOK, [])

    def _request(
        self,
        request_id: bytes,
        wanted: bytes,
        symbol: bytes,
        types: Sequence[bytes],
        more: list[tuple[int, bytes]],
    ) -> None:
        fields = [
            (tags.MDReqID, request_id),
            (tags.SubscriptionRequestType, wanted),
            (tags.MarketDepth, _WHOLE_BOOK),
            *more,
            (tags.NoMDEntryTypes, b"%d" % len(types)),
            *((tags.MDEntryType, kind) for kind in types),
            (tags.NoRelatedSym, b"1"),
            (tags.Symbol, symbol),
        ]
        self._send(_REQUEST, fields)

    def _send(self, kind: bytes, fields: list[tuple[int, bytes]]) -> None:
        """Send a message. Raises `ConnectionError`."""
        if not self._session.send([(kind, encode_fields(fields))], time.time_ns()):
            raise ConnectionError("not logged on")

    def _take(self, messages: list[FixMessage | MessageRefused], received_ns: int) -> None:
        """Hand on what is market data; what the session refused is for the schema to judge, too."""
        inputs = []
        for each in messages:
            message = each.message if isinstance(each, MessageRefused) else each
            if isinstance(each, MessageRefused) or message.msg_type in _MARKET_DATA:
                inputs.append(Input(InputKind.FIX, self._number, received_ns, "", message.raw))
            elif message.msg_type == _REQUEST_REJECT:
                self._take_reject(message)
            elif message.msg_type == _BUSINESS_REJECT:
                self._take_business_reject(message)
            else:
                log.warning("not expected over FIX", source=self._number, message=str(message))
        if inputs:
            self._receive(inputs)
        for each in messages:
            if isinstance(each, FixMessage):
                self._settle(each)

    def _settle(self, message: FixMessage) -> None:
        """Let who asked go on, now that the handler has the answer."""
        tag = tags.SecurityReqID if message.msg_type == _SECURITY_LIST else tags.MDReqID
        answered = self._asked.get(message.get(tag) or b"")
        if answered is not None and not answered.done():
            answered.set_result(None)

    def _take_reject(self, message: FixMessage) -> None:
        request_id, reason = message.get(tags.MDReqID) or b"", message.get(tags.Text) or b""
        text = reason.decode("latin-1")
        log.warning("FIX request refused", source=self._number, reason=text)
        answered = self._asked.get(request_id)
        if answered is not None and not answered.done():
            answered.set_exception(ConnectionError(text))
        elif request_id in self._symbols:  # its book may not be known there yet
            self._again(self._subscribe, request_id)

    def _take_business_reject(self, message: FixMessage) -> None:
        """Ask for a phase again that is not known there yet; a venue may tell none at all."""
        reason, text = message.get(tags.BusinessRejectReason), message.get(tags.Text) or b""
        log.warning("FIX request refused", source=self._number, reason=text.decode("latin-1"))
        symbol = message.get(tags.BusinessRejectRefID) or b""
        is_early = reason == values.BusinessRejectReason.APPLICATION_NOT_AVAILABLE
        if message.get(tags.RefMsgType) == _STATUS_REQUEST and is_early and symbol in self._symbols:
            self._again(self._subscribe_to_status, symbol)

    def _again(self, subscribe: Callable[[bytes], None], symbol: bytes) -> None:
        def subscribe_again() -> None:
            if self._session.is_logged_on:
                subscribe(symbol)

        asyncio.get_running_loop().call_later(SUBSCRIBE_AGAIN_S, subscribe_again)

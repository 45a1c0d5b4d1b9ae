"""A connection to the matching process that heals itself, and the stream of records over it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import structlog

from matching.link import (
    FROM_SERVER,
    VERSION,
    ErrorCode,
    Frame,
    FrameDecoder,
    FrameKind,
    FundsReport,
    FundsRequest,
    Hello,
    LinkError,
    UnixAddress,
    Welcome,
    pack_funds_request,
    pack_hello,
    parse_address,
    unpack_error,
    unpack_funds,
    unpack_welcome,
)
from vocabulary.codec import CodecError

FUNDS_REQUESTS_MAX: Final = 1_024
RETRY_SECONDS_MIN: Final = 0.02
RETRY_SECONDS_MAX: Final = 1.0

log = structlog.get_logger("matching")


class MatchingUnavailable(Exception):
    """Too much waits for the matching process already; nothing was sent."""


# What every chunk asks for: an enumeration takes its time to look up a member.
_RECORDS = FrameKind.RECORDS


class LinkClient:
    """What every client does: stay connected, follow the records, ask for funds.

    `unpack` makes of a chunk's bytes what `on_records` gets: objects that have a `sequence`. What
    comes of a stream comes in order, each once, one call per chunk received. A call that raises
    ends the connection, and its records come again. `on_caught_up` is called after each connect,
    once the records that the server had by then are handed over. Records may come `patience_ms`
    later than they could, many at a time.
    """

    def __init__(
        self,
        address: str,
        name: str,
        *,
        from_sequence: int | None,
        unpack: Callable[[bytes], list[Any]],
        on_records: Callable[[list[Any]], None],
        on_caught_up: Callable[[], None] | None,
        patience_ms: int = 0,
    ) -> None:
        self.connected = False
        self.last_sequence = (from_sequence or 1) - 1
        self.head_sequence = 0
        self.name = name
        self._address = parse_address(address)
        self._streams = from_sequence is not None
        self._patience_ms = patience_ms
        self._unpack = unpack
        self._on_records = on_records
        self._on_caught_up = on_caught_up
        self._catch_up_sequence: int | None = None
        self._funds_requests: dict[int, tuple[int, asyncio.Future[FundsReport]]] = {}
        self._last_request_id = 0
        self._retry_seconds = RETRY_SECONDS_MIN
        self._transport: asyncio.Transport | None = None
        self._first_connect: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Return when connected for the first time; from then on reconnect until `stop`."""
        self._first_connect = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._stay_connected())
        await self._first_connect

    async def stop(self) -> None:
        """Disconnect, for good. Funds requests that wait fail with `MatchingUnavailable`."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._first_connect is not None:
            self._first_connect.cancel()
        self.connected = False
        if self._transport is not None:
            self._transport.close()
        for _, waiting in self._funds_requests.values():
            if not waiting.done():
                waiting.set_exception(MatchingUnavailable("the client was stopped"))

    async def funds(self, account_id: int = 0) -> FundsReport:
        """Return what an account, or for 0 every account, has. Asks again after a reconnect."""
        if len(self._funds_requests) >= FUNDS_REQUESTS_MAX:
            raise MatchingUnavailable(f"{len(self._funds_requests)} funds requests wait")
        self._last_request_id += 1
        request_id = self._last_request_id
        waiting: asyncio.Future[FundsReport] = asyncio.get_running_loop().create_future()
        self._funds_requests[request_id] = account_id, waiting
        try:
            if self.connected:
                self._write(pack_funds_request(FundsRequest(request_id, account_id)))
            return await waiting
        finally:
            del self._funds_requests[request_id]

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)

    async def _stay_connected(self) -> None:
        loop = asyncio.get_running_loop()
        connect = partial(Connection, self, loop)
        while True:
            try:
                opening: Any  # its protocols are none of asyncio's by name
                if isinstance(self._address, UnixAddress):
                    opening = loop.create_unix_connection(connect, self._address.path)
                else:
                    opening = loop.create_connection(connect, *self._address)
                _, connection = await opening
            except OSError as error:
                log.debug("matching not reached", address=self._address, error=str(error))
            else:
                await connection.ended
            await asyncio.sleep(self._retry_seconds)
            self._retry_seconds = min(2 * self._retry_seconds, RETRY_SECONDS_MAX)

    # What a kind of client adds.

    def _welcomed(self) -> None:
        """Send what a new connection has to carry first."""

    def _handed_over(self, records: list[Any]) -> None:
        """Note what `on_records` has taken."""

    def _answered(self, kind: FrameKind, payload: bytes) -> None:
        """Take the answer to a command."""
        raise LinkError(ErrorCode.MALFORMED, f"{kind.name} unexpected, {len(payload)} bytes")

    # What the connection tells.

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        wanted = self.last_sequence + 1 if self._streams else None
        self._write(pack_hello(Hello(VERSION, wanted, self.name, self._patience_ms)))

    def connection_lost(self) -> None:
        self._transport = None
        if self.connected:
            log.warning("disconnected from matching", name=self.name, sequence=self.last_sequence)
        self.connected = False

    def frames_received(self, frames: list[Frame]) -> None:
        """Take in what one chunk completed. Raises `LinkError` or `CodecError`."""
        records: list[Any] = []
        for kind, payload in frames:
            if kind is _RECORDS:
                unpacked = self._unpack(payload)
                records = records + unpacked if records else unpacked
                continue
            self._hand_over(records)
            records = []
            if kind is FrameKind.WELCOME:
                self._take_welcome(unpack_welcome(payload))
            elif kind is FrameKind.FUNDS:
                self._take_funds(*unpack_funds(payload))
            elif kind is FrameKind.ERROR:
                raise unpack_error(payload)
            else:
                self._answered(kind, payload)
        self._hand_over(records)

    def _take_welcome(self, welcome: Welcome) -> None:
        self.head_sequence = welcome.head_sequence
        self._catch_up_sequence = welcome.head_sequence if self._streams else 0
        self.connected = True
        self._welcomed()
        for request_id, (account_id, _) in self._funds_requests.items():
            self._write(pack_funds_request(FundsRequest(request_id, account_id)))
        log.info(
            "connected to matching",
            name=self.name,
            sequence=self.last_sequence,
            head_sequence=self.head_sequence,
        )
        if self._first_connect is not None and not self._first_connect.done():
            self._first_connect.set_result(None)

    def _hand_over(self, records: list[Any]) -> None:
        if records:
            if self._streams:
                self._check_order(records)
            self._on_records(records)
            self._handed_over(records)
            self._retry_seconds = RETRY_SECONDS_MIN
            self.last_sequence = records[-1].sequence
            self.head_sequence = max(self.head_sequence, self.last_sequence)
        if self._catch_up_sequence is not None and self.last_sequence >= self._catch_up_sequence:
            self._catch_up_sequence = None
            if self._on_caught_up is not None:
                self._on_caught_up()

    def _check_order(self, records: list[Any]) -> None:
        expected = self.last_sequence + 1
        for record in records:
            sequence = record.sequence
            if sequence != expected:
                raise LinkError(ErrorCode.MALFORMED, f"record {sequence}, expecting {expected}")
            expected += 1

    def _take_funds(self, request_id: int, report: FundsReport) -> None:
        _, waiting = self._funds_requests.get(request_id, (0, None))
        if waiting is not None and not waiting.done():
            waiting.set_result(report)


class Connection:
    """The socket under a client, for as long as it lasts: an `asyncio.Protocol` in all but name."""

    def __init__(self, client: LinkClient, loop: asyncio.AbstractEventLoop) -> None:
        self._client = client
        self._decoder = FrameDecoder(FROM_SERVER)
        self._transport: asyncio.Transport | None = None
        self.ended: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        peer = transport.get_extra_info("socket")
        if peer is not None and peer.family != socket.AF_UNIX:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._client.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._client.frames_received(self._decoder.receive_data(data))
        except (LinkError, CodecError) as error:
            log.warning("link to matching ended", name=self._client.name, reason=str(error))
            assert self._transport is not None
            self._transport.abort()

    def eof_received(self) -> None:
        """Let the transport close itself."""

    def pause_writing(self) -> None:
        """Go on: how many commands may be unanswered is bounded."""

    def resume_writing(self) -> None:
        """Go on, as before."""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        self._transport = None
        self._client.connection_lost()
        if not self.ended.done():  # cancelled with the task that waited for it
            self.ended.set_result(None)

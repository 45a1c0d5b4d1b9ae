"""The WebSocket API (`/ws-api/v3`): requests with an id, their answers, and user data."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import structlog
from prometheus_client import Counter
from websockets.frames import CloseCode

from gateway.auth import Credential
from gateway.edge.json_operations import JsonOperations
from gateway.edge.order_traces import Arrival
from gateway.edge.websocket_connection import WebSocketConnection
from gateway.json_api import requests as r
from gateway.json_api.envelopes import (
    ApiRequest,
    RequestId,
    api_answer,
    api_error,
    decode_api_request,
    request_id,
)
from gateway.json_api.errors import ApiError, ErrorCode, invalid, mandatory
from gateway.json_api.operations import BY_NAME, Operation, Security
from gateway.json_api.signing import check_signed, sorted_payload
from gateway.json_api.user_events import encode, stream_terminated, subscription_event
from gateway.json_api.user_streams import UserStreams

INBOX_MAX = 1_000
"""Messages that wait to be looked at before we stop reading."""

USER_STREAMS_MAX = 16
RECHECK_S = 10.0
"""How often the keys of user data streams are asked for again while nothing arrives."""

REQUESTS = Counter(
    "agio_gateway_websocket_requests", "WebSocket API requests", ["operation", "status"]
)

log = structlog.get_logger("gateway")


class _UserStream(NamedTuple):
    api_key: str
    account_id: int
    listener: Callable[[bytes], None]


class WebSocketApi:
    """A session of the WebSocket API.

    One task looks at the messages in turn, as a key may have to be asked for first. It does not
    wait for answers: these leave as they come, each with its request's id.
    """

    def __init__(
        self,
        connection: WebSocketConnection,
        operations: JsonOperations,
        user_streams: UserStreams,
    ) -> None:
        self._connection = connection
        self._operations = operations
        self._user_streams = user_streams
        self._subscriptions: dict[int, _UserStream] = {}
        self._last_subscription_id = -1
        self._inbox: deque[tuple[bytes, int]] = deque()  # with the time in UTC nanoseconds
        self._arrived = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def receive_text(self, data: bytes) -> None:
        self._inbox.append((data, time.time_ns()))
        self._arrived.set()
        if len(self._inbox) >= INBOX_MAX:
            self._connection.pause_reading()

    def announce(self, event: bytes) -> None:
        self._connection.send_text(b'{"event":%b}' % event)

    def close(self) -> None:
        self._task.cancel()
        self._unsubscribe(list(self._subscriptions))

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(RECHECK_S if self._subscriptions else None):
                    await self._arrived.wait()
            self._arrived.clear()
            while self._inbox:
                try:
                    await self._handle(*self._inbox.popleft())
                except Exception:
                    log.exception("WebSocket request failed")
                    self._connection.fail(CloseCode.INTERNAL_ERROR, "internal error")
            self._connection.resume_reading()
            await self._end_revoked()

    async def _handle(self, data: bytes, received_ns: int) -> None:
        try:
            envelope = decode_api_request(data)
        except ApiError as error:
            self._answer(request_id(data), "?", error)
            return
        operation = BY_NAME.get(envelope.method)
        if operation is None:
            text = f"Unknown method '{envelope.method[:40]}'."
            self._answer(envelope.id, "?", ApiError(ErrorCode.UNSUPPORTED_OPERATION, text))
            return
        answer = partial(self._answer, envelope.id, operation.name)
        try:
            request, credential = await self._checked(operation, envelope)
            if operation.name == "userDataStream.subscribe.signature":
                assert credential is not None
                answer({"subscriptionId": self._subscribe(credential)})
            elif isinstance(request, r.Unsubscribe):
                self._unsubscribe_requested(request)
                answer({})
            else:
                arrival = None
                if self._operations.traces is not None:
                    arrival = Arrival("websocket", received_ns)
                self._operations.perform(operation, request, credential, answer, arrival)
        except ApiError as error:
            answer(error)

    async def _checked(
        self, operation: Operation, envelope: ApiRequest
    ) -> tuple[r.Request, Credential | None]:
        """Return a request and, unless it is public, the credential of who signed it."""
        parameters = dict(envelope.params)
        if operation.security is Security.PUBLIC:
            parameters.pop("returnRateLimits", None)
            return r.parse(parameters, operation.request_type), None
        signature = parameters.pop("signature", None)
        payload = sorted_payload(parameters)
        credential = await self._operations.credential(parameters.pop("apiKey", None))
        if not isinstance(signature, str):
            raise mandatory("signature")
        # Binance's clients ask not to be told of rate limits, which we never do.
        parameters.pop("returnRateLimits", None)
        request = r.parse(parameters, operation.request_type)
        assert isinstance(request, r.SignedRequest)
        return request, check_signed(
            credential, operation.security, request, payload, signature, time.time_ns()
        )

    def _answer(self, answer_id: RequestId, name: str, result: Any) -> None:
        if isinstance(result, ApiError):
            REQUESTS.labels(name, result.http_status).inc()
            self._connection.send_text(api_error(answer_id, result))
        else:
            REQUESTS.labels(name, 200).inc()
            self._connection.send_text(api_answer(answer_id, result))

    # User data

    def _subscribe(self, credential: Credential) -> int:
        if len(self._subscriptions) >= USER_STREAMS_MAX:
            raise ApiError(
                ErrorCode.TOO_MANY_REQUESTS, f"More than {USER_STREAMS_MAX} user data streams."
            )
        self._last_subscription_id = subscription_id = self._last_subscription_id + 1

        def listener(event: bytes) -> None:
            self._connection.send_text(subscription_event(subscription_id, event))

        stream = _UserStream(credential.api_key, credential.account_id, listener)
        self._subscriptions[subscription_id] = stream
        self._user_streams.subscribe(stream.account_id, listener)
        return subscription_id

    async def _end_revoked(self) -> None:
        """End the streams of keys that no longer open them, saying so."""
        for subscription_id, stream in list(self._subscriptions.items()):
            with suppress(ApiError):  # what can't be asked now is asked again
                credential = await self._operations.credential(stream.api_key)
                if credential is None or "read" not in credential.permissions:
                    stream.listener(encode(stream_terminated(time.time_ns() // 1_000_000)))
                    self._unsubscribe([subscription_id])

    def _unsubscribe_requested(self, request: r.Unsubscribe) -> None:
        if request.subscription_id is None:
            self._unsubscribe(list(self._subscriptions))
        elif request.subscription_id in self._subscriptions:
            self._unsubscribe([request.subscription_id])
        else:
            raise invalid("subscriptionId")

    def _unsubscribe(self, subscription_ids: list[int]) -> None:
        for subscription_id in subscription_ids:
            stream = self._subscriptions.pop(subscription_id)
            self._user_streams.unsubscribe(stream.account_id, stream.listener)

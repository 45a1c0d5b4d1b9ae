"""One client of market data streams: what it subscribed to, and its requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from gateway.json_api.envelopes import (
    RequestId,
    decode_stream_request,
    request_id,
    stream_answer,
    stream_error,
)
from gateway.json_api.errors import ApiError, ErrorCode
from gateway.json_api.market_streams import MarketStreams
from gateway.json_api.streams import Stream

SUBSCRIPTIONS_MAX = 1024


class Keeper(Protocol):
    """Keeps what sessions have subscribed to, so that they go on over another connection."""

    expiry_s: int

    def begin(self) -> str: ...

    def keep(self, token: str, names: list[str]) -> None: ...

    def leave(self, token: str) -> None: ...


class StreamSession:
    """A subscriber of `MarketStreams`. `send` takes messages, `send_frames` ready frames.

    `names` are subscribed to at once. Raises `ApiError` if there is no such stream. With a `keeper`
    the client may ask for a token of its session.
    """

    def __init__(
        self,
        market_streams: MarketStreams,
        names: Iterable[str],
        *,
        wants_combined: bool,
        send: Callable[[bytes], None],
        send_frames: Callable[[bytes], None],
        keeper: Keeper | None = None,
    ) -> None:
        self.wants_combined = wants_combined
        self.send_frames = send_frames
        self._send = send
        self._market_streams = market_streams
        self._keeper = keeper
        self._token: str | None = None
        self._subscriptions: dict[str, Stream] = {}
        self._subscribe(names)

    def receive_text(self, data: bytes) -> None:
        """Answer a message; one that makes no sense gets an error."""
        answer_id: RequestId = None
        try:
            request = decode_stream_request(data)
            answer_id = request.id
            if request.method == "LIST_SUBSCRIPTIONS":
                self._send(stream_answer(answer_id, list(self._subscriptions)))
                return
            if request.method == "SESSION":
                self._send(stream_answer(answer_id, self._begin_keeping()))
                return
            if request.method == "SUBSCRIBE":
                self._subscribe(request.params)
            else:
                self._unsubscribe(request.params)
            self._keep()
            self._send(stream_answer(answer_id, None))
        except ApiError as error:
            self._send(stream_error(answer_id or request_id(data), error))

    def resume(self, token: str, names: list[str]) -> None:
        """Go on as the session of this token; what is no stream any more is left out."""
        known = [name for name in names if self._market_streams.stream(name) is not None]
        self._token = token
        self._subscribe(known)
        self._keep()
        self._send(stream_answer(None, {"session": token, "streams": list(self._subscriptions)}))

    def announce(self, event: bytes) -> None:
        """Send an event that concerns every client, the same on `/ws` and `/stream`."""
        self._send(event)

    def close(self) -> None:
        if self._token is not None and self._keeper is not None:
            self._keeper.leave(self._token)
        self._unsubscribe(list(self._subscriptions))

    def _begin_keeping(self) -> dict[str, Any]:
        if self._keeper is None:
            raise ApiError(ErrorCode.UNSUPPORTED_OPERATION, "Sessions are not kept here.")
        self._token = self._token or self._keeper.begin()
        self._keep()
        return {"session": self._token, "expiresIn": self._keeper.expiry_s}

    def _keep(self) -> None:
        if self._token is not None and self._keeper is not None:
            self._keeper.keep(self._token, list(self._subscriptions))

    def _subscribe(self, names: Iterable[str]) -> None:
        new: dict[str, Stream] = {}
        for name in names:
            stream = self._market_streams.stream(name)
            if stream is None:
                raise ApiError(ErrorCode.INVALID_PARAMETER, f"Unknown stream '{name[:60]}'.")
            new[name] = stream
        if len(self._subscriptions | new) > SUBSCRIPTIONS_MAX:
            raise ApiError(
                ErrorCode.TOO_MANY_REQUESTS, f"More than {SUBSCRIPTIONS_MAX} subscriptions."
            )
        # Past this line nothing can fail.
        for name, stream in new.items():
            self._subscriptions[name] = stream
            self._market_streams.subscribe(self, name, stream)

    def _unsubscribe(self, names: Iterable[str]) -> None:
        for name in names:
            stream = self._subscriptions.pop(name, None)
            if stream is not None:
                self._market_streams.unsubscribe(self, name, stream)

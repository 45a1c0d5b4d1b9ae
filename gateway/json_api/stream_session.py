"""One client of market data streams: what it subscribed to, and its requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable

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


class StreamSession:
    """A subscriber of `MarketStreams`. `send` takes messages, `send_frames` ready frames.

    `names` are subscribed to at once. Raises `ApiError` if there is no such stream.
    """

    def __init__(
        self,
        market_streams: MarketStreams,
        names: Iterable[str],
        *,
        wants_combined: bool,
        send: Callable[[bytes], None],
        send_frames: Callable[[bytes], None],
    ) -> None:
        self.wants_combined = wants_combined
        self.send_frames = send_frames
        self._send = send
        self._market_streams = market_streams
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
            if request.method == "SUBSCRIBE":
                self._subscribe(request.params)
            else:
                self._unsubscribe(request.params)
            self._send(stream_answer(answer_id, None))
        except ApiError as error:
            self._send(stream_error(answer_id or request_id(data), error))

    def close(self) -> None:
        self._unsubscribe(list(self._subscriptions))

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

"""WebSocket messages around requests and answers, and how strictly JSON is read.

Refused: what is not JSON (NaN, 1e400, a lone surrogate, ...), an unknown or a repeated key, nested
or fractional parameters. msgspec sees to all of it but repeated keys: it keeps the last one.
"""

from __future__ import annotations

import json
from typing import Any, Literal, TypeVar

import msgspec

from gateway.json_api.errors import ApiError, ErrorCode
from gateway.json_api.requests import Value

RequestId = int | str | None

ID_TEXT_MAX = 36


class ApiRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A message of a client to `/ws-api/v3`."""

    id: RequestId
    method: str
    params: dict[str, Value] = {}


class StreamRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A message of a client to `/ws` or `/stream`."""

    id: RequestId
    method: Literal["SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SESSION"]
    params: list[str] = []


_AnyRequest = TypeVar("_AnyRequest", ApiRequest, StreamRequest)


class _Id(msgspec.Struct):
    id: RequestId = None


_API_REQUEST = msgspec.json.Decoder(ApiRequest)
_STREAM_REQUEST = msgspec.json.Decoder(StreamRequest)
_ID = msgspec.json.Decoder(_Id)


def decode_api_request(data: bytes) -> ApiRequest:
    """Return the request in a message. Raises `ApiError`."""
    request = _decode(data, _API_REQUEST)
    # There are no fewer colons than keys: more are in text, in empty params or behind a key's twin.
    if data.count(b":") > 2 + bool(request.params) + len(request.params):
        _refuse_repeated_keys(data)
    return request


def decode_stream_request(data: bytes) -> StreamRequest:
    """Return the request in a message. Raises `ApiError`."""
    request = _decode(data, _STREAM_REQUEST)
    if data.count(b":") > 2 + bool(request.params):
        _refuse_repeated_keys(data)
    return request


def request_id(data: bytes) -> RequestId:
    """Return the id of a message that makes no request, None if it has none."""
    try:
        return _checked_id(_ID.decode(data).id)
    except (msgspec.MsgspecError, ApiError, UnicodeError, RecursionError):
        return None


def api_answer(answer_id: RequestId, result: Any) -> bytes:
    return msgspec.json.encode({"id": answer_id, "status": 200, "result": result})


def api_error(answer_id: RequestId, error: ApiError) -> bytes:
    return msgspec.json.encode(
        {
            "id": answer_id,
            "status": error.http_status,
            "error": error.body(),
        }
    )


def stream_answer(answer_id: RequestId, result: list[str] | dict[str, Any] | None) -> bytes:
    return msgspec.json.encode({"result": result, "id": answer_id})


def stream_error(answer_id: RequestId, error: ApiError) -> bytes:
    return msgspec.json.encode({"error": error.body(), "id": answer_id})


def _decode(data: bytes, decoder: msgspec.json.Decoder[_AnyRequest]) -> _AnyRequest:
    try:
        request = decoder.decode(data)
    except msgspec.ValidationError as error:
        raise ApiError(ErrorCode.INVALID_JSON, f"Invalid request: {error}"[:200]) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise ApiError(ErrorCode.INVALID_JSON, "Invalid JSON.") from None
    _checked_id(request.id)
    return request


def _checked_id(given: RequestId) -> RequestId:
    if isinstance(given, str) and len(given) > ID_TEXT_MAX:
        raise ApiError(ErrorCode.INVALID_JSON, f"id is longer than {ID_TEXT_MAX} characters.")
    return given


def _refuse_repeated_keys(data: bytes) -> None:
    json.loads(data, object_pairs_hook=_without_repeated_keys)


def _without_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ApiError(ErrorCode.INVALID_JSON, "Invalid request: a key is there twice.")
    return found

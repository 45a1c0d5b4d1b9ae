"""WebSocket messages: what is a request, and what is an error."""

import pytest

from gateway.json_api.envelopes import (
    api_answer,
    api_error,
    decode_api_request,
    decode_stream_request,
    request_id,
    stream_answer,
    stream_error,
)
from gateway.json_api.errors import ApiError, ErrorCode

BAD_JSON = {
    "empty": b"",
    "not json": b"BUY 1 BTC",
    "cut short": b'{"id":1,"method":"ping"',
    "two values": b'{"id":1,"method":"ping"}{}',
    "an array": b"[1,2]",
    "a number": b"17",
    "null": b"null",
    "nan": b'{"id":1,"method":"m","params":{"a":NaN}}',
    "1e400": b'{"id":1,"method":"m","params":{"a":1e400}}',
    "a fraction": b'{"id":1,"method":"m","params":{"a":0.1}}',
    "null parameter": b'{"id":1,"method":"m","params":{"a":null}}',
    "nested": b'{"id":1,"method":"m","params":{"a":{"b":1}}}',
    "deep array": b'{"id":1,"method":"m","params":' + b"[" * 10_000,
    "deep object": b'{"a":' * 10_000,
    "deep skipped": b'{"x":' + b"[" * 10_000 + b"]" * 10_000 + b',"id":1,"method":"m"}',
    "lone surrogate": b'{"id":1,"method":"\\ud800"}',
    "raw newline": b'{"id":1,"method":"a\nb"}',
    "unknown key": b'{"id":1,"method":"m","extra":1}',
    "proto": b'{"id":1,"method":"m","__proto__":{}}',
    "no method": b'{"id":1}',
    "no id": b'{"method":"m"}',
    "method no text": b'{"id":1,"method":7}',
    "id a fraction": b'{"id":1.5,"method":"m"}',
    "id an object": b'{"id":{},"method":"m"}',
    "id too long": b'{"id":"' + b"x" * 37 + b'","method":"m"}',
    "params an array": b'{"id":1,"method":"m","params":[1]}',
    "key twice outside": b'{"id":1,"id":2,"method":"m"}',
    "method twice": b'{"id":1,"method":"m","method":"m"}',
    "params twice": b'{"id":1,"method":"m","params":{"a":"1"},"params":{"a":"1"}}',
    "parameter twice": b'{"id":1,"method":"m","params":{"a":"1","a":"2"}}',
    "parameter twice, escaped": b'{"id":1,"method":"m","params":{"a":"1","\\u0061":"2"}}',
    "parameter twice, spaced": b'{"id":1,"method":"m","params":{"a" : "1", "a" :"2"}}',
    "5000 digits": b'{"id":1,"method":"m","params":{"a":' + b"9" * 5000 + b"}}",
}


@pytest.mark.parametrize("data", BAD_JSON.values(), ids=BAD_JSON)
def test_what_makes_no_request_is_a_typed_error(data: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        decode_api_request(data)
    assert caught.value.code == ErrorCode.INVALID_JSON
    assert len(caught.value.message) <= 200
    with pytest.raises(ApiError):
        decode_stream_request(data)


@pytest.mark.parametrize(
    "data",
    [
        b'{"id":1,"method":"ping"}',
        b'{"id":1,"method":"ping","params":{}}',
        b' { "method" : "ping" , "id" : 1 } ',
        b'{"id":"a:b:c:d","method":"ping"}',
        b'{"id":null,"method":"ping","params":{"a":":::","b":1,"c":true,"d":["x"]}}',
        b'{"id":-9007199254740993,"method":"ping","params":{"a":123456789012345678901234567890}}',
    ],
)
def test_a_request_is_read_however_it_is_spelt(data: bytes) -> None:
    assert decode_api_request(data).method == "ping"


def test_a_bad_message_is_answered_with_its_id_where_it_has_one() -> None:
    assert request_id(b'{"id":7,"method":1}') == 7
    assert request_id(b'{"id":"seven","params":[]}') == "seven"
    for data in (
        b'{"a":' * 10_000,
        b'{"id":{}}',
        b"{",
        b"[]",
        b'{"id":"' + b"x" * 37 + b'"}',
        b'{"id":1.5}',
    ):
        assert request_id(data) is None


def test_answers_look_like_binances() -> None:
    error = ApiError(ErrorCode.TIMEOUT, "late")
    assert api_answer("a", {"x": "1"}) == b'{"id":"a","status":200,"result":{"x":"1"}}'
    assert api_error(1, error) == b'{"id":1,"status":504,"error":{"code":-1007,"msg":"late"}}'
    assert stream_answer(1, None) == b'{"result":null,"id":1}'
    assert stream_error(None, error) == b'{"error":{"code":-1007,"msg":"late"},"id":null}'


def test_streams_take_names_and_three_methods() -> None:
    request = decode_stream_request(b'{"id":1,"method":"SUBSCRIBE","params":["a@trade"]}')
    assert request.params == ["a@trade"]
    for data in (
        b'{"id":1,"method":"ping"}',
        b'{"id":1,"method":"SUBSCRIBE","params":[1]}',
        b'{"id":1,"method":"SUBSCRIBE","params":{"a":"b"}}',
    ):
        with pytest.raises(ApiError):
            decode_stream_request(data)

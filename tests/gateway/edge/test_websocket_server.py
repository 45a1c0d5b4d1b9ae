"""The WebSocket door: streams, hostile frames, slow readers, silence and goodbyes."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.edge import websocket_connection, websocket_server
from tests.gateway.edge.json_venue import JsonVenue, until

KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
TEXT, CONTINUATION, BINARY, CLOSE, PING, PONG = 1, 0, 2, 8, 9, 10


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[JsonVenue]:
    venue = JsonVenue(tmp_path, redis_url)
    await venue.start()
    yield venue
    await venue.stop()


# Streams


async def test_trades_depth_and_candles_are_streamed(venue: JsonVenue) -> None:
    async with venue.api("/stream?streams=btcusdt@trade/btcusdt%40depth") as client:
        await client.subscribe("btcusdt@bookTicker", "btcusdt@kline_1m")
        await venue.place(quantity="0.2")
        await venue.place("bob", side="SELL", quantity="0.1")
        seen: dict[str, list[dict[str, object]]] = {}
        streams = "trade", "depth", "bookTicker", "kline_1m"
        least = {f"btcusdt@{stream}": 1 for stream in streams} | {"btcusdt@depth": 2}
        while any(len(seen.get(stream, [])) < count for stream, count in least.items()) or (
            seen["btcusdt@bookTicker"][-1]["B"] != "0.10000"
        ):
            message = await client.receive()
            seen.setdefault(message["stream"], []).append(message["data"])
    (trade,) = seen["btcusdt@trade"]
    assert (trade["p"], trade["q"], trade["m"], trade["t"]) == ("100.00", "0.10000", True, 1)
    resting, traded = seen["btcusdt@depth"]
    assert (resting["b"], traded["b"]) == ([["100.00", "0.20000"]], [["100.00", "0.10000"]])
    assert traded["pu"] == resting["u"]
    assert traded["U"] == int(str(resting["u"])) + 1
    candle = seen["btcusdt@kline_1m"][0]["k"]
    assert isinstance(candle, dict)
    assert (candle["c"], candle["v"], candle["n"], candle["x"]) == ("100.00", "0.10000", 1, False)


async def test_a_book_kept_from_the_stream_is_the_book(venue: JsonVenue) -> None:
    async with venue.api("/ws/btcusdt@depth") as client:
        snapshot = await venue.get("depth", symbol="BTCUSDT")
        kept = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
        last = snapshot["lastUpdateId"]
        for number in range(30):
            await venue.place(price=f"9{number % 10}.00")
            await venue.place("bob", side="SELL", price=f"9{number % 7 + 3}.00", quantity="0.09")
        status, canceled = await venue.signed("DELETE", "openOrders", symbol="BTCUSDT")
        assert (status, len(canceled) > 5) == (200, True)
        sequence = venue.gateway.matching.last_sequence
        while last < sequence:
            change = await client.receive()
            assert change["pu"] == last
            last = change["u"]
            for side, levels in kept.items():
                for price, quantity in change[side]:
                    levels[price] = quantity
                    if float(quantity) == 0:
                        del levels[price]
        book = await venue.get("depth", symbol="BTCUSDT")
        assert kept == {"b": dict(book["bids"]), "a": dict(book["asks"])}


async def test_many_subscribers_get_the_same(venue: JsonVenue) -> None:
    url = f"{venue.websocket_url}/ws/btcusdt@trade"
    connections = [await websockets.connect(url) for _ in range(50)]
    await venue.place(quantity="0.2")
    await venue.place("bob", side="SELL", quantity="0.1")
    received = await asyncio.gather(*(each.recv() for each in connections))
    assert len(set(received)) == 1
    assert venue.gateway.json.websocket.health()["connections"] == 50
    await asyncio.gather(*(each.close() for each in connections))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 404),
        ("/ws-api", 404),
        ("/ws-api/v3?key=1", 404),
        ("/ws/btcusdt@nothing", 400),
        ("/ws/nothing@trade", 400),
        ("/stream?streams=btcusdt@nothing", 400),
        ("/stream?token=secret", 404),
        ("/ws/listenkey", 400),
    ],
)
async def test_what_is_not_there_is_refused_before_the_upgrade(
    venue: JsonVenue, path: str, status: int
) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await websockets.connect(venue.websocket_url + path)
    assert caught.value.response.status_code == status


async def test_compression_is_not_offered(venue: JsonVenue) -> None:
    async with websockets.connect(venue.websocket_url + "/ws", compression="deflate") as client:
        assert client.protocol.extensions == []


# Frames


class RawClient:
    """A socket that speaks WebSocket as badly as it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, venue: JsonVenue, path: str = "/ws-api/v3") -> "RawClient":
        port = venue.gateway.json.websocket.port
        client = cls(*await asyncio.open_connection("127.0.0.1", port))
        upgrade = b"Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        client.writer.write(b"GET %b HTTP/1.1\r\n%b%b\r\n" % (path.encode(), upgrade, KEY))
        assert (await client.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        return client

    async def receive(self) -> tuple[int, bytes]:
        """Return the next frame's opcode and payload."""
        first, size = await self.reader.readexactly(2)
        if size == 126:
            (size,) = struct.unpack("!H", await self.reader.readexactly(2))
        return first & 15, await self.reader.readexactly(size)

    async def closed(self) -> int:
        """Return the code with which the server closes, after which it closes the socket."""
        async with asyncio.timeout(5):
            while (frame := await self.receive())[0] != CLOSE:
                pass
            assert await self.reader.read() == b""
        return int(struct.unpack("!H", frame[1][:2])[0])


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, mask: bool = True) -> bytes:
    size = len(payload)
    head = bytes([opcode | (0x80 if fin else 0)])
    masked = 0x80 if mask else 0
    if size < 126:
        head += bytes([masked | size])
    elif size < 1 << 16:
        head += bytes([masked | 126]) + struct.pack("!H", size)
    else:
        head += bytes([masked | 127]) + struct.pack("!Q", size)
    return head + (b"\0\0\0\0" if mask else b"") + payload


PING_REQUEST = b'{"id":1,"method":"ping"}'

HOSTILE: dict[str, tuple[bytes, int]] = {
    "not masked": (frame(TEXT, b"{}", mask=False), 1002),
    "invalid UTF-8": (frame(TEXT, b'{"id":"\xff"}'), 1007),
    "UTF-8 cut short": (frame(TEXT, "ü".encode()[:1]), 1007),
    "binary": (frame(BINARY, b"{}"), 1003),
    "reserved bit": (b"\xc1\x80\0\0\0\0", 1002),
    "reserved opcode": (frame(3), 1002),
    "fragmented ping": (frame(PING, fin=False), 1002),
    "ping of 126 bytes": (frame(PING, b"x" * 126), 1002),
    "continuation of nothing": (frame(CONTINUATION, b"x"), 1002),
    "text within a text": (frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), 1002),
    "64 KiB and a byte": (frame(TEXT, b" " * (65_536 + 1)), 1009),
    "a huge announcement": (b"\x81\xff" + b"\x7f" + b"\xff" * 7 + b"\0" * 4, 1009),
    "64 KiB and a byte in fragments": (
        frame(TEXT, b" " * 40_000, fin=False) + frame(CONTINUATION, b" " * 40_000),
        1009,
    ),
    "a close of one byte": (frame(CLOSE, b"\x03"), 1002),
    "a close with a bad code": (frame(CLOSE, struct.pack("!H", 1005)), 1002),
    "goodbye": (frame(CLOSE, struct.pack("!H", 1000)), 1000),
}


@pytest.mark.parametrize("path", ["/ws-api/v3", "/ws"])
async def test_hostile_frames_close_the_connection_with_the_right_code(
    venue: JsonVenue, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = venue.state_hash()
    codes = {}
    for name, (data, _) in HOSTILE.items():
        client = await RawClient.connect(venue, path)
        client.writer.write(data)
        codes[name] = await client.closed()
        client.writer.close()
    assert codes == {name: code for name, (_, code) in HOSTILE.items()}
    assert venue.state_hash() == before
    assert "Traceback" not in caplog.text


async def test_bad_json_is_an_error_and_the_connection_goes_on(venue: JsonVenue) -> None:
    before = venue.state_hash()
    for path in ("/ws-api/v3", "/ws"):
        client = await RawClient.connect(venue, path)
        for bad in (b"", b"what", b"[" * 20_000, b'{"a":' * 10_000, b"NaN", b"1e400", b'{"id":'):
            client.writer.write(frame(TEXT, bad))
            opcode, payload = await client.receive()
            error = json.loads(payload)["error"]
            assert (opcode, error["code"]) == (TEXT, -1135)
        client.writer.close()
    assert venue.state_hash() == before


async def test_a_message_may_come_in_pieces(venue: JsonVenue) -> None:
    client = await RawClient.connect(venue)
    client.writer.write(frame(TEXT, PING_REQUEST[:1], fin=False))
    client.writer.write(frame(CONTINUATION, fin=False) * 1000)
    client.writer.write(frame(PING, b"between"))
    client.writer.write(frame(CONTINUATION, PING_REQUEST[1:]))
    assert await client.receive() == (PONG, b"between")
    assert await client.receive() == (TEXT, b'{"id":1,"status":200,"result":{}}')
    client.writer.close()


async def test_bytes_may_come_one_at_a_time(venue: JsonVenue) -> None:
    client = await RawClient.connect(venue)
    for byte in frame(TEXT, PING_REQUEST):
        client.writer.write(bytes([byte]))
        await client.writer.drain()
        await asyncio.sleep(0)
    assert (await client.receive())[1] == b'{"id":1,"status":200,"result":{}}'
    client.writer.close()


@pytest.mark.parametrize(
    "request_bytes",
    [b"\0" * 100, b"GET / HTTP/1.0\r\n\r\n", b"GET /ws HTTP/1.1\r\n\r\n", b"x" * 20_000],
)
async def test_what_is_no_handshake_gets_an_http_error_or_nothing(
    venue: JsonVenue, request_bytes: bytes
) -> None:
    port = venue.gateway.json.websocket.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request_bytes)
    writer.write_eof()
    async with asyncio.timeout(5):
        answer = await reader.read()
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 505"))
    writer.close()


# Patience


async def test_a_slow_reader_is_cut_off_with_the_reason(
    venue: JsonVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_connection, "BUFFERED_BYTES_MAX", 100_000)
    quick = await websockets.connect(venue.websocket_url + "/ws")
    slow = await RawClient.connect(venue)

    async def ask_and_never_read() -> None:
        # The answers fill the sockets' buffers and then ours.
        while True:
            slow.writer.write(frame(TEXT, b'{"id":1,"method":"exchangeInfo"}') * 100)
            await slow.writer.drain()

    asking = asyncio.create_task(ask_and_never_read())
    cuts = websocket_server.CUTS._value
    before = cuts.get()
    await until(lambda: cuts.get() > before)
    asking.cancel()
    async with asyncio.timeout(5):
        while (received := await slow.receive())[0] != CLOSE:
            pass
    assert struct.unpack("!H", received[1][:2]) == (1008,)
    assert received[1][2:].startswith(b"too slow")
    await (await quick.ping())
    await quick.close()


async def test_a_silent_client_is_pinged_and_then_cut_off(
    venue: JsonVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_connection, "PING_INTERVAL_S", 0.5)
    monkeypatch.setattr(websocket_connection, "SILENCE_S_MAX", 2.0)
    lively = await websockets.connect(venue.websocket_url + "/ws", ping_interval=None)
    silent = await RawClient.connect(venue)
    assert await asyncio.wait_for(silent.receive(), 3) == (PING, b"")
    assert await silent.closed() == 1008
    waiting = await lively.ping()
    await asyncio.wait_for(waiting, 2)
    await lively.close()


async def test_a_handshake_that_never_ends_is_cut_off(
    venue: JsonVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_connection, "HANDSHAKE_S_MAX", 0.5)
    port = venue.gateway.json.websocket.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /ws HTTP/1.1\r\n")
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    assert venue.gateway.json.websocket.health()["connections"] == 0


async def test_connections_are_limited(venue: JsonVenue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venue.gateway.json.websocket, "_connections_max", 2)
    kept = [await websockets.connect(venue.websocket_url + "/ws") for _ in range(2)]
    with pytest.raises((ConnectionClosed, OSError, websockets.InvalidMessage, EOFError)):
        await websockets.connect(venue.websocket_url + "/ws")
    for each in kept:
        await (await each.ping())
        await each.close()


async def test_a_server_that_stops_says_goodbye(venue: JsonVenue) -> None:
    client = await websockets.connect(venue.websocket_url + "/ws")
    await venue.gateway.json.websocket.stop()
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(client.recv(), 5)
    assert (client.close_code, client.close_reason) == (1001, "the server stops")

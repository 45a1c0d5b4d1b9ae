"""The venue's instruments, asked over its WebSocket API."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import msgspec

from trading.execution import json_messages
from trading.feeds.edge.websocket_stream import connect
from trading.feeds.exchange_info import decode_exchange_info
from vocabulary.instrument import Instrument

ANSWER_S_MAX = 5.0


async def fetch_instruments(url: str, symbols: Iterable[str]) -> dict[str, Instrument]:
    """Return what a venue lists of `symbols`; `url` is ws://HOST:PORT.

    Raises `OSError` or `TimeoutError` without an answer, `RejectedError` for one that will not do.
    """
    answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def receive(messages: list[bytes], _received_ns: int) -> None:
        if not answered.done():
            answered.set_result(messages[0])

    wanted = list(symbols)
    stream = await connect(f"{url}/ws-api/v3", receive)
    try:
        question = {"id": 1, "method": "exchangeInfo", "params": {"symbols": wanted}}
        stream.send([msgspec.json.encode(question)])
        async with asyncio.timeout(ANSWER_S_MAX):
            message = json_messages.decode(await answered)
    finally:
        stream.abort()
    if message.error is not None:
        raise ConnectionError(f"the venue answers: {message.error.msg} ({message.error.code})")
    listed = decode_exchange_info(bytes(message.result))
    return {symbol: listed.instrument(symbol) for symbol in wanted}

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from tests.trading.alpha.edge.alpha_run import decisions_of, patiently
from trading.alpha.edge import decisions_port
from trading.alpha.edge.decisions_port import DecisionsPort
from trading.decisions import Action, Decision, Envelope, OrderStyle
from trading.stream.frames import frame
from vocabulary.types import Side

REQUEST = msgspec.msgpack.encode({"version": 1, "run": "first"})


def envelope(number: int) -> Envelope:
    decision = Decision(
        strategy="maker",
        symbol="BTCUSDT",
        epoch=7,
        number=number,
        cause=3,
        action=Action.PLACE,
        order=number,
        side=Side.BUY,
        price_ticks=10_000,
        lots=10,
        style=OrderStyle.POST_ONLY,
    )
    return Envelope(17, 1_000, decision)


@pytest.fixture
async def port() -> AsyncIterator[DecisionsPort]:
    served = DecisionsPort("first", lambda: [envelope(1), envelope(2)])
    await served.start("127.0.0.1", 0)
    yield served
    await served.stop()


class Reader:
    """A subscriber that keeps what it gets."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.frames = 0

    def __call__(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            self.frames += 1
            self.envelopes += msgspec.msgpack.decode(payload, type=list[Envelope])


async def test_what_is_untaken_comes_first_and_then_each_decision(port: DecisionsPort) -> None:
    reader = Reader()
    await decisions_of(f"127.0.0.1:{port.port}", REQUEST, reader)
    await patiently(lambda: reader.frames == 1)
    port.publish([envelope(3)])
    port.publish([])
    await patiently(lambda: reader.frames == 3)
    assert reader.envelopes == [envelope(1), envelope(2), envelope(3)]


async def test_a_subscriber_that_does_not_read_is_cut_off_and_the_others_go_on(
    port: DecisionsPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions_port, "WAITING_BYTES_MAX", 100_000)
    reader = Reader()
    await decisions_of(f"127.0.0.1:{port.port}", REQUEST, reader)
    _, writer = await asyncio.open_connection("127.0.0.1", port.port, limit=1_024)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(frame(REQUEST))
    await patiently(lambda: len(port.subscribers) == 2)
    sent = 2
    while len(port.subscribers) == 2:
        port.publish([envelope(4)] * 10_000)
        sent += 10_000
        await asyncio.sleep(0.005)
        assert sent < 1_000_000
    await patiently(lambda: len(reader.envelopes) == sent)
    writer.close()


async def test_a_stop_waits_for_nobody(port: DecisionsPort) -> None:
    _, silent = await asyncio.open_connection("127.0.0.1", port.port)
    await patiently(lambda: len(port.connections) == 1)
    async with asyncio.timeout(3.0):
        await port.stop()
    silent.close()


@pytest.mark.parametrize("request_bytes", [b"\xc1", b"\x00" * 2_000, REQUEST[:-1], b"\x81\xa1\xff"])
async def test_a_request_that_is_none_is_refused(port: DecisionsPort, request_bytes: bytes) -> None:
    answers: list[bytes] = []
    connection = await decisions_of(f"127.0.0.1:{port.port}", request_bytes, answers.extend)
    await asyncio.wait({connection.closed}, timeout=3.0)
    assert b"refusal" in answers[0]
    assert not port.connections

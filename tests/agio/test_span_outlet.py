"""What a service does not wait for: an exporter that is slow, dead or has nowhere to send to."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator

import pytest

from agio import span_outlet
from agio.span_outlet import SpanOutlet
from tests.otlp_collector import Collector
from vocabulary.tracing import Passage

NOW_NS = 1_767_225_600_000_000_000


def passage(sequence: int, size: int = 0) -> Passage:
    text = {"text": "x" * size}
    return Passage("matching.order", NOW_NS, NOW_NS + 5, [(sequence, NOW_NS)], text)


@pytest.fixture
def collector() -> Collector:
    return Collector()


@pytest.fixture
async def outlet(collector: Collector) -> AsyncIterator[SpanOutlet]:
    outlet = SpanOutlet("matching", collector.url)
    yield outlet
    outlet.close()


async def test_spans_arrive_and_the_exporter_ends_with_us(
    collector: Collector, outlet: SpanOutlet
) -> None:
    with collector.serving():
        for sequence in range(1, 1_201):
            outlet.emit(passage(sequence))
        outlet.close()
        async with asyncio.timeout(20):
            while len(collector.spans) < 1_200:
                await asyncio.sleep(0.02)
    assert {span.attributes["agio.sequence"] for span in collector.spans} == set(range(1, 1_201))
    assert collector.spans[0].end_ns - collector.spans[0].start_ns == 5


async def test_a_stuck_exporter_costs_passages_and_no_time(outlet: SpanOutlet) -> None:
    outlet.exporter.send_signal(signal.SIGSTOP)
    dropped = span_outlet.DROPPED._value.get()
    started_s = time.process_time()  # ours: others may need the machine, too
    for sequence in range(2_000):
        outlet.emit(passage(sequence, 10_000))
    assert time.process_time() - started_s < 1
    assert span_outlet.DROPPED._value.get() > dropped + 500
    outlet.exporter.kill()


async def test_an_exporter_that_died_is_started_again(
    collector: Collector, outlet: SpanOutlet, monkeypatch: pytest.MonkeyPatch
) -> None:
    outlet.exporter.kill()
    outlet.exporter.wait()
    monkeypatch.setattr(span_outlet, "RESTART_SECONDS", 0.0)
    with collector.serving():
        async with asyncio.timeout(20):
            while not collector.spans:
                outlet.emit(passage(1))
                await asyncio.sleep(0.05)

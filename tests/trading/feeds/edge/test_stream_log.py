"""The log of the stream: what a killed handler wrote, the next one has, and no more."""

import asyncio
from pathlib import Path

import pytest

from tests.gateway.edge.json_venue import JsonVenue
from tests.trading.feeds.edge.test_publisher import prints
from tests.trading.feeds.edge.test_reports import answered, own, reporter
from tests.trading.feeds.live_feeds import Flow, eventually, feeds, source_url, subscribed
from tests.trading.own_events import filled, taken
from trading.events import AnyEvent, DecisionTaken
from trading.feeds.batch import Batch
from trading.feeds.edge import stream_log
from trading.feeds.edge.stream_log import StreamLog

EVENTS: list[AnyEvent] = [*prints(1, 100)]


def written(directory: Path, upto: int = 100, size: int = 7) -> Path:
    """Write events in batches of `size`, as a process that is killed then; return the last file."""
    log = StreamLog(directory)
    log.recover()
    log.begin(0, b"known")
    for start in range(0, upto, size):
        log.append(Batch.of(EVENTS[start : min(start + size, upto)]))
        if log.is_full:
            log.begin(min(start + size, upto), b"known at %d" % (start + size))
    return max(directory.iterdir())


def test_what_was_written_is_there_and_gone_on_with(tmp_path: Path) -> None:
    written(tmp_path, upto=50)
    log = StreamLog(tmp_path)
    recovered = log.recover()
    assert (recovered.head.known, recovered.last) == (b"known", 50)
    assert recovered.events == EVENTS[:50]
    assert log.is_open
    log.append(Batch.of(EVENTS[50:]))
    assert StreamLog(tmp_path).recover().events == EVENTS


@pytest.mark.parametrize("cut", [1, 5, 100])
def test_a_batch_that_is_not_whole_is_cut_off(tmp_path: Path, cut: int) -> None:
    path = written(tmp_path)
    path.write_bytes(path.read_bytes()[:-cut])
    log = StreamLog(tmp_path)
    recovered = log.recover()
    assert recovered.events == EVENTS[: recovered.last]
    assert 90 < recovered.last < 100
    log.append(Batch.of(EVENTS[recovered.last :]))
    assert StreamLog(tmp_path).recover().events == EVENTS


def test_damage_ends_what_is_known(tmp_path: Path) -> None:
    path = written(tmp_path)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200] = bytes(200)
    path.write_bytes(data)
    recovered = StreamLog(tmp_path).recover()
    assert recovered.events == EVENTS[: recovered.last]
    assert 30 < recovered.last < 60


def test_the_newest_two_files_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_log, "FILE_EVENTS", 20)
    written(tmp_path)
    assert [path.name[-8:] for path in sorted(tmp_path.iterdir())] == ["0063.log", "0084.log"]
    recovered = StreamLog(tmp_path).recover()
    assert recovered.head.known == b"known at 84"
    assert recovered.events == EVENTS[63:]
    assert recovered.newest == 16
    # The newest file's head can't be read: the one before tells as far as it goes.
    (tmp_path / f"stream-{84:020}.log").write_bytes(b"\0" * 50)
    recovered = StreamLog(tmp_path).recover()
    assert (recovered.head.known, recovered.last) == (b"known at 63", 84)


async def test_own_events_are_known_over_files_and_restarts(
    venue: JsonVenue, tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_log, "FILE_EVENTS", 10)
    for number in (1, 2, 3):
        async with feeds(tmp_path, redis_url, source_url(venue)) as service:
            raw = await reporter(service)
            raw.send([each for n in range(1, number + 1) for each in (taken(n), filled(n, "a"))])
            assert await raw.answer() == answered(2 * number)
            assert service.health()["own_events"] == 2
            await Flow(venue, number).run(20)
            await asyncio.sleep(0.5)  # time passes, and fills files
    assert len(list((tmp_path / "feeds").glob("stream-*"))) == 2


async def test_what_can_not_be_kept_nobody_sees(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    async with feeds(tmp_path, redis_url, source_url(venue)) as service:
        raw = await reporter(service)
        raw.send([taken(1)])
        await raw.answer()
        async with subscribed(service) as subscriber:
            await eventually(lambda: own(subscriber.events) == [taken(1)])
            service._log._file = Path("/dev/full").open("ab", buffering=0)  # noqa: SIM115
            raw.send([taken(2)])
            await eventually(lambda: service.health()["ready"] is False)
            assert "No space left" in str(service.health()["failure"])
            last = subscriber.events[-1].stream_sequence
            assert len(subscriber.of(DecisionTaken)) == 1
    async with (
        feeds(tmp_path, redis_url, source_url(venue)) as service,
        subscribed(service) as subscriber,
    ):
        raw = await reporter(service)
        raw.send([taken(2)])
        assert await raw.answer() == answered(1)
        await eventually(lambda: own(subscriber.events) == [taken(1), taken(2)])
        assert subscriber.of(DecisionTaken)[1].stream_sequence > last

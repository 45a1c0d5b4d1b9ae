"""Quarantine and recordings: what is in them, and how large they get."""

import base64
import json
from pathlib import Path

import pytest
import redis

from tests.gateway.edge.json_venue import JsonVenue
from tests.trading.feeds.live_feeds import Flow, eventually, feeds, source_url, subscribed
from tests.trading.feeds.samples import TRADE
from trading.events import BookChanged
from trading.feeds.edge.quarantine import DATA_BYTES_MAX, FILES_KEPT, Quarantine
from trading.feeds.edge.recording import RecordingError, read_recording
from trading.feeds.edge.service import make_source
from trading.feeds.rejects import Rejected, RejectReason


def test_a_rejected_message_is_kept_as_it_came(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "quarantine.jsonl")
    long = b"\xff" * (DATA_BYTES_MAX + 1)
    quarantine.put([Rejected(RejectReason.OFF_TICK, "why", 7, TRADE)])
    quarantine.put([Rejected(RejectReason.MALFORMED, "too long", 8, long)])
    quarantine.close()
    first, second = map(json.loads, (tmp_path / "quarantine.jsonl").read_text().splitlines())
    assert (first["reason"], first["text"], first["received_ns"]) == ("off_tick", "why", 7)
    assert base64.b64decode(first["data"]) == TRADE
    assert len(base64.b64decode(second["data"])) == DATA_BYTES_MAX
    assert second["bytes"] == len(long)


def test_the_quarantine_keeps_the_newest_and_stays_bounded(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "quarantine.jsonl", file_bytes_max=1_000)
    for number in range(200):
        quarantine.put([Rejected(RejectReason.CLOCK, "why", number, TRADE)])
    quarantine.close()
    files = sorted(tmp_path.iterdir())
    assert len(files) == FILES_KEPT
    assert all(file.stat().st_size <= 1_000 for file in files)
    newest = (tmp_path / "quarantine.jsonl").read_text().splitlines()[-1]
    assert json.loads(newest)["received_ns"] == 199


def test_a_quarantine_that_could_not_begin_a_file_does_so_later(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "quarantine.jsonl", file_bytes_max=1_000)
    in_the_way = tmp_path / "quarantine.jsonl.3"
    in_the_way.mkdir()
    rejected = [Rejected(RejectReason.CLOCK, "why", 1, TRADE)]
    with pytest.raises(OSError, match=r"quarantine.jsonl.4"):
        quarantine.put(20 * rejected)
    (tmp_path / "quarantine.jsonl.4").rmdir()
    quarantine.put([Rejected(RejectReason.CLOCK, "why", 2, TRADE)])
    quarantine.close()
    newest = (tmp_path / "quarantine.jsonl").read_text().splitlines()[-1]
    assert json.loads(newest)["received_ns"] == 2


async def test_a_recording_makes_the_same_events_again(
    venue: JsonVenue, tmp_path: Path, redis_url: str
) -> None:
    record = tmp_path / "venue.recording"
    async with (
        feeds(tmp_path / "live", redis_url, source_url(venue), record_file=record) as service,
        subscribed(service) as subscriber,
    ):
        await Flow(venue).run(60)
        await eventually(lambda: len(subscriber.of(BookChanged)) > 20)
        live = subscriber
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    async with (
        feeds(tmp_path / "replay", redis_url, record.as_uri(), ready=False) as service,
        subscribed(service) as subscriber,
    ):
        await eventually(lambda: len(subscriber.events) > len(live.events))
        assert subscriber.events[: len(live.events)] == live.events


@pytest.mark.parametrize("text", ["", "{}\n", '{"agio_feed_recording":2}\n["stream"]\n'])
def test_a_file_that_is_no_recording_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "file"
    file.write_text(text)
    with pytest.raises(RecordingError, match="line"):
        list(read_recording(file))


@pytest.mark.parametrize("url", ["http://host", "file:", "ws://", "btcusdt"])
def test_a_url_that_is_no_source_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is none of"):
        make_source(url, 0, ["BTCUSDT"], lambda _: None)

"""`agio events`: what the event stream carries, for a person or a script to read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from agio import venue
from agio.command_line import configured
from agio.configuration import Configuration, ConfigurationError
from marketdata.edge.event_store import StreamFailedError
from marketdata.edge.stream_follower import (
    Checkpoint,
    FollowedEntry,
    StreamFollower,
    StreamGapError,
)
from vocabulary.codec import CodecError, unpack

IDLE_S = 1.0


@click.command()
@click.option(
    "--checkpoint",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file that keeps how far this has read, and where the next run goes on.",
)
@click.option("--end", is_flag=True, help="End once nothing has come for a second.")
@configured("data")
def events(settings: Configuration, *, checkpoint: Path | None, end: bool) -> None:
    """Print the event stream of the venue on --data, a line of JSON for each event.

    AGIO_EVENT_STREAM_URL names another. Each event comes once, those of an instrument in order.
    Exits 1 where the stream no longer has what follows: then it was read too seldom.
    """
    running = venue.read(settings.data)
    url = settings.event_stream_url or (running.event_stream_url if running else None)
    if url is None:
        raise ConfigurationError("event_stream_url: `agio events` needs it")
    try:
        asyncio.run(_print(url, settings.event_stream_poll_seconds, checkpoint, end=end))
    except (StreamFailedError, StreamGapError, CodecError) as error:
        raise click.ClickException(str(error)) from None


async def _print(url: str, poll_s: float, file: Path | None, *, end: bool) -> None:
    follower = StreamFollower(url, _read(file), poll_s=poll_s)
    try:
        await follower.open()
        heard_s = time.monotonic()
        while not end or time.monotonic() - heard_s < IDLE_S:
            entries = await follower.read()
            if not entries:
                continue
            heard_s = time.monotonic()
            click.echo("\n".join(line for entry in entries for line in _lines(entry)))
            _write(file, follower.checkpoint)  # a crash right before repeats some lines
    finally:
        await follower.close()


def _read(file: Path | None) -> Checkpoint | None:
    if file is None or not file.exists():
        return None
    return msgspec.json.decode(file.read_bytes(), type=Checkpoint)


def _write(file: Path | None, checkpoint: Checkpoint) -> None:
    if file is not None:
        unfinished = file.with_name(f"{file.name}.unfinished")
        unfinished.write_bytes(msgspec.json.encode(checkpoint))
        unfinished.replace(file)


def _lines(followed: FollowedEntry) -> Iterator[str]:
    """Yield an entry's events, each with its name and all of its fields."""
    entry = followed.entry
    at = 0
    while at < len(entry.events):
        event, at = unpack(entry.events, at)
        fields: dict[str, Any] = {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in msgspec.structs.asdict(event).items()
        }
        told = {
            "event": type(event).__name__,
            "sequence": entry.sequence,
            "timestamp_ns": entry.timestamp_ns,
        }
        yield msgspec.json.encode(told | fields).decode()

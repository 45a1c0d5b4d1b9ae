"""What a handler that starts must know of the stream so far, from its log and from the queue."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from itertools import islice
from typing import NamedTuple

import structlog

from trading import events as stream_events
from trading.events import AnyEvent, EventError, OwnEvent
from trading.feeds.admission import Admission
from trading.feeds.edge.publisher import RING_EVENTS
from trading.feeds.edge.stream_log import StreamLog
from trading.history.batches import decode_batch
from trading.history.edge.event_queue import EventQueue, QueueFailedError

QUEUE_RETRY_S = 0.5
EMPTY_READS_MAX = 20

log = structlog.get_logger("feeds")


class Past(NamedTuple):
    """The `last` number used, and the newest events up to it, encoded."""

    last: int
    recent: list[bytes]


async def recover(stream_log: StreamLog, queue: EventQueue, admission: Admission) -> Past:
    """Return the stream's past. `admission` knows its own events then, and the log is open.

    Raises `OSError`, `QueueFailedError`, and `msgspec.MsgspecError` for a log of another version.
    """
    head, logged, newest = stream_log.recover()
    if head.known:
        admission.restore(head.known)
    _recall(admission, islice(logged, len(logged) - newest, None))
    recent = deque(logged, RING_EVENTS)
    last = recent[-1].stream_sequence if recent else head.last
    async for events in _queued_behind(last, queue):
        if recent and events[0].stream_sequence != recent[-1].stream_sequence + 1:
            recent.clear()
        recent.extend(events)
        last = events[-1].stream_sequence
        _recall(admission, events)
        stream_log.close()  # it ends before these
    if not stream_log.is_open:
        stream_log.begin(last, admission.snapshot())
    return Past(last, [stream_events.encode(event) for event in recent])


def _recall(admission: Admission, events: Iterable[AnyEvent]) -> None:
    for event in events:
        if isinstance(event, OwnEvent):
            admission.recall(event)


async def _queued_behind(last: int, queue: EventQueue) -> AsyncIterator[list[AnyEvent]]:
    """Yield what the queue has behind event `last`: more than the log, after a lost machine.

    A handler that used numbers on this machine does not wait for a queue that does not answer.
    """
    while True:
        try:
            newest = await queue.last_sequence()
            break
        except QueueFailedError as error:
            log.warning("queue not reached", reason=str(error))
        if last:
            return
        await asyncio.sleep(QUEUE_RETRY_S)
    position, empty = "", 0
    while last < newest:
        batches = await queue.read(position)
        empty = 0 if batches else empty + 1
        if empty == EMPTY_READS_MAX:
            raise QueueFailedError(f"it says that it has event {newest}, and gives {last}")
        for batch in batches:
            position = batch.position
            events = [each for each in _events(batch.data) if each.stream_sequence > last]
            if events:
                last = events[-1].stream_sequence
                yield events


def _events(data: bytes) -> list[AnyEvent]:
    try:
        return decode_batch(data)
    except EventError as error:
        log.warning("batch in the queue rejected", reason=str(error))
        return []

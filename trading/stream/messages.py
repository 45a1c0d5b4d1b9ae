"""What the two ends of a connection to the feeds handler say to each other, beside events.

Each is a MessagePack map in a frame; what the handler says has a `type`, "refusal" or "answer". A
subscriber sends one `SubscribeRequest`; it gets arrays of events, and a `Refusal` as the last
frame. A reporter sends one `ReportRequest` and then arrays of own events, whose `stream_sequence`
and `received_ns` are 0; it gets an `Answer` to each, in order, and a `Refusal` as the last frame.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec


class RefusalCode(StrEnum):
    """What a subscriber can do about it."""

    TOO_OLD = "too_old"
    """Read the history: the events asked for are no longer kept."""
    AHEAD = "ahead"
    """Nothing: the events asked for were never made, so this is another stream."""
    VERSION = "version"
    """Nothing: the other end is of another version."""
    OTHER = "other"
    """Try again."""


class Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    """The last frame of a connection."""

    error: str
    code: RefusalCode = RefusalCode.OTHER


class SubscribeRequest(
    msgspec.Struct, forbid_unknown_fields=True, rename={"from_sequence": "from"}
):
    """A subscriber's frame. `from_sequence` 0 is the next event that comes."""

    version: int
    from_sequence: Annotated[int, msgspec.Meta(ge=0)]


class ReportRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A reporter's first frame."""

    version: int


class RefusedReport(msgspec.Struct, array_like=True, frozen=True):
    """An event that will never stand in the stream: its place in the array, and why."""

    index: int
    reason: str


class Answer(msgspec.Struct, frozen=True, tag="answer"):
    """All `events` of the array are dealt with: they stand in the stream, or are `refused`."""

    events: int
    refused: list[RefusedReport] = []

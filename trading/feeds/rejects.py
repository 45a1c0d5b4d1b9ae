"""Why a message went no further."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class RejectReason(StrEnum):
    """In order of precedence; the label of the metric and the word in the quarantine file."""

    MALFORMED = "malformed"
    """Not JSON, or not of the schema: a field is missing, unknown, repeated or of another type."""
    INCONSISTENT = "inconsistent"
    """Of the schema, but its fields contradict each other."""
    UNKNOWN_SYMBOL = "unknown_symbol"
    OFF_TICK = "off_tick"
    """A price or quantity between two ticks or lots, out of range, or no plain decimal."""
    CLOCK = "clock"
    """A time that can't be."""
    CROSSED = "crossed"
    """With it the best bid would not be below the best ask."""
    OUT_OF_ORDER = "out_of_order"
    """An own event, and others are missing before it."""


class RejectedError(ValueError):
    """A message that does not fit, with the reason and what exactly is wrong."""

    def __init__(self, reason: RejectReason, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text


class Rejected(NamedTuple):
    """A message on its way to quarantine. `data` are its bytes as received."""

    reason: RejectReason
    text: str
    received_ns: int
    data: bytes

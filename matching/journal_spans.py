"""The journal kept elsewhere: spans of its segments' bytes, each named by all that it holds.

A span is `journal/SEGMENT/OFFSET-SIZE-FIRST-LAST-DIGEST`: where it stands in which segment, its
records' sequences, and the start of its bytes' SHA-256. So a listing tells what there is, and two
spans of one name are the same bytes. Spans may overlap: those that a longer one has replaced are
deleted behind it. A segment's last spans are short while it is written, and in the end one span
is all of it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from typing import Final, NamedTuple, Self

PREFIX: Final = "journal/"
DIGEST_DIGITS: Final = 16


class SpanMissingError(Exception):
    """Records are missing from what is kept; names the first and its segment."""

    def __init__(self, segment: int, sequence: int) -> None:
        super().__init__(
            f"{PREFIX}{segment:020d}: the records from sequence {sequence} on are missing"
        )
        self.sequence = sequence


class Span(NamedTuple):
    """Bytes of a segment, from `offset`, and the sequences of their records.

    `segment` is the segment's first sequence.
    """

    segment: int
    offset: int
    size: int
    first: int
    last: int
    digest: str

    @property
    def end(self) -> int:
        return self.offset + self.size

    @property
    def name(self) -> str:
        return (
            f"{PREFIX}{self.segment:020d}/"
            f"{self.offset:012d}-{self.size:012d}-{self.first:020d}-{self.last:020d}-{self.digest}"
        )

    @classmethod
    def of(cls, segment: int, offset: int, data: bytes, first: int, last: int) -> Self:
        return cls(segment, offset, len(data), first, last, digest_of(data))

    @classmethod
    def parse(cls, name: str) -> Self:
        """Return the span of that name. Raises `ValueError`."""
        segment, _, rest = name.removeprefix(PREFIX).partition("/")
        *numbers, digest = rest.split("-")
        offset, size, first, last = map(int, numbers)
        span = cls(int(segment), offset, size, first, last, digest)
        if span.name != name:
            raise ValueError(f"{name!r} names no span")
        return span


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:DIGEST_DIGITS]


def by_segment(names: Iterable[str]) -> dict[int, list[Span]]:
    """Return the spans of these names, the oldest segment first."""
    found: defaultdict[int, list[Span]] = defaultdict(list)
    for span in map(Span.parse, sorted(names)):
        found[span.segment].append(span)
    return dict(found)


def chain(spans: Iterable[Span]) -> list[Span]:
    """Return those spans of one segment that lead farthest from its start, one behind another."""
    longest: dict[int, Span] = {}
    for span in spans:
        known = longest.get(span.offset)
        if known is None or span.size > known.size:
            longest[span.offset] = span
    links: list[Span] = []
    at = 0
    while (link := longest.get(at)) is not None:
        links.append(link)
        at = link.end
    return links


def whole_chain(segments: dict[int, list[Span]]) -> list[Span]:
    """Return the spans that hold the journal, in order. Raises `SpanMissingError` for a hole."""
    links: list[Span] = []
    expected = 1
    for segment, spans in segments.items():
        if segment != expected:
            raise SpanMissingError(links[-1].segment if links else 1, expected)
        found = chain(spans)
        if not found or found[-1].end != max(span.end for span in spans):
            raise SpanMissingError(segment, found[-1].last + 1 if found else segment)
        links += found
        expected = found[-1].last + 1
    return links

"""What there is in a backup, by its listing alone.

The journal lies there as spans (`matching.journal_spans`); anything else as copies, each named by
the sequence and the time as of which it was taken. A copy is put when the journal's spans reach at
least as far: so whatever is there can be restored.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Self

from matching import journal_spans
from matching.journal_spans import Span, SpanMissingError
from objects.encrypted import EncryptedStore

SNAPSHOT: Final = "snapshots"
LEDGER: Final = "ledger"
DESK: Final = "desk"
FILES: Final = "files"
KINDS: Final = (SNAPSHOT, LEDGER, DESK, FILES)
CHUNKS: Final = "chunks/"
LOGS: Final = "logs/"


class Copy(NamedTuple):
    """A copy of something as of a sequence of the journal; `taken_ms` is UTC."""

    kind: str
    sequence: int
    taken_ms: int

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.sequence:020d}-{self.taken_ms:015d}"

    @classmethod
    def parse(cls, name: str) -> Self:
        """Return the copy of that name. Raises `ValueError`."""
        kind, _, numbers = name.partition("/")
        sequence, taken_ms = map(int, numbers.split("-"))
        copy = cls(kind, sequence, taken_ms)
        if copy.name != name:
            raise ValueError(f"{name!r} names no copy")
        return copy


class Contents(NamedTuple):
    """The journal's spans in order, the copies of each kind in order, each file's parts."""

    spans: list[Span]
    copies: dict[str, list[Copy]]
    parts: dict[str, int]

    @property
    def last_sequence(self) -> int:
        return self.spans[-1].last if self.spans else 0

    def newest(self, kind: str, sequence: int) -> Copy | None:
        """Return the newest copy of what was up to a sequence."""
        return max((c for c in self.copies[kind] if c.sequence <= sequence), default=None)


def read_contents(store: EncryptedStore) -> Contents:
    """List a backup.

    Raises `SpanMissingError` where the journal has a hole, or ends before what else is there.
    """
    copies: dict[str, list[Copy]] = {}
    parts: dict[str, int] = {}
    for kind in KINDS:
        found = store.files(f"{kind}/")
        copies[kind] = sorted(map(Copy.parse, found))
        parts |= found
    newest = max((of_kind[-1].sequence for of_kind in copies.values() if of_kind), default=0)
    # Last, so that it reaches as far as what was put meanwhile.
    journal = store.files(journal_spans.PREFIX)
    contents = Contents(
        journal_spans.whole_chain(journal_spans.by_segment(journal)), copies, parts | journal
    )
    if newest > contents.last_sequence:
        segment = contents.spans[-1].segment if contents.spans else 1
        raise SpanMissingError(segment, contents.last_sequence + 1)
    return contents

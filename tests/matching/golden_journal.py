"""Golden journals: what a version of the venue wrote, to be read by every later one.

One holds all of `tests/scenarios`, one after the other, each with assets, instrument and accounts
of its own; so every rule that has a scenario is in it, but for those that let one of the venue's
own bounds be another one. Once made, a golden journal is never made anew. When commands or events
are added, make a further one:

    python -m tests.matching.golden_journal tests/matching/golden_journals/NUMBER.journal.gz
"""

from __future__ import annotations

import gzip
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from matching.core.engine import Engine
from matching.edge.journal import Journal
from matching.edge.segments import Segments
from matching.journal_format import SEGMENT_HEADER
from matching.pipeline import Pipeline
from matching.sequencer import Sequencer
from tests.matching.core.test_scenarios import MATCHES, NAMES, SCENARIOS, Table
from vocabulary import commands as c
from vocabulary.codec import HEADER, RECORD_HEADER, pack

START_NS = 1_800_000_000_000_000_000
ACCOUNTS_EACH = 100
OF_RECORDS = ("order_id", "buyer_order_id", "seller_order_id", "trade_sequence")
SEGMENT_NAME = f"{1:020}.journal"

_LISTING = c.ListInstrument(1, 1, 1_001, 1, 2, 1, 1, 0, 0, 0, b"BOUNDED", quantity_lots_max=9)
# What scenarios have no words for.
LISTED_OTHERWISE = (
    _LISTING,
    msgspec.structs.replace(
        _LISTING, instrument_id=1_002, symbol=b"STEPPED", price_increment_ticks=5
    ),
)


class Scribe(Table):
    """A scenario's table that keeps what it was asked, and when."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, c.Command]] = []
        super().__init__()

    def ask(self, command: c.Command) -> list[str]:
        self.asked.append((self.now_ns, command))
        return super().ask(command)


def commands() -> Iterator[tuple[int, bytes]]:
    """Yield each command of all scenarios and its time."""
    now_ns = START_NS
    number = 0
    for index, path in enumerate(SCENARIOS):
        scribe = Scribe()
        lines = path.read_text().splitlines()
        if any(MATCHES.fullmatch(line) or NAMES.fullmatch(line) for line in lines):
            continue
        for line in lines:
            if line.strip() and not line.startswith(("#", " ")):
                scribe.answer(line)
        before = number
        for at_ns, command in scribe.asked:
            number += 1
            own = shifted(command, index, before)
            own = msgspec.structs.replace(own, session_number=number)
            yield now_ns + at_ns, pack(own)
        now_ns += scribe.now_ns
    for command in LISTED_OTHERWISE:
        number += 1
        yield now_ns, pack(msgspec.structs.replace(command, session_number=number))


def layouts_in(path: Path) -> set[tuple[int, int]]:
    """Return kind and version of every message in a golden journal."""
    data = gzip.decompress(path.read_bytes())
    found: set[tuple[int, int]] = set()
    at = SEGMENT_HEADER.size
    while at < len(data):
        end = at + RECORD_HEADER.unpack_from(data, at)[1]
        at += RECORD_HEADER.size
        while at < end:
            kind, version, size = HEADER.unpack_from(data, at)
            found.add((kind, version))
            at += size
    return found


def shifted(command: c.Command, index: int, before: int) -> c.Command:
    """Return a scenario's command as one about its own accounts, assets, instrument and records."""
    changes: dict[str, object] = {}
    for name, value in msgspec.structs.asdict(command).items():
        if name.endswith("account_id") and value:
            changes[name] = value + ACCOUNTS_EACH * index
        elif name == "instrument_id" and value:
            changes[name] = value + index
        elif name in OF_RECORDS and value:
            changes[name] = value + before
        elif name.endswith("asset_id"):
            changes[name] = value + 2 * index
        elif name in ("name", "symbol"):
            changes[name] = b"%s%d" % (value, index)
    return msgspec.structs.replace(command, **changes)


def write(path: Path) -> None:
    pipeline = Pipeline(Engine(), Sequencer())
    with tempfile.TemporaryDirectory() as directory:
        journal = Journal(Path(directory), "os", 1 << 24)
        for now_ns, command in commands():
            journal.append(pipeline.execute([(None, command)], now_ns).records)
        end = journal.segments.last
        assert end is not None
        data = (Path(directory) / SEGMENT_NAME).read_bytes()[: end.end]
        journal.close()
    # No time within: the same commands make the same file.
    path.write_bytes(gzip.compress(data, mtime=0))


def unpack_journal(path: Path, directory: Path) -> None:
    """Put a golden journal where a venue would have it."""
    (directory / SEGMENT_NAME).write_bytes(gzip.decompress(path.read_bytes()))
    assert Segments(directory).last_sequence > 0


if __name__ == "__main__":
    write(Path(sys.argv[1]))

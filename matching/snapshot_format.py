"""How a snapshot lies in its file: engine and sequencer as of one sequence of the journal.

Layout (little endian)
----------------------
A snapshot is named by its sequence in 20 digits, `00000000000001000000.snapshot`. A header of 80
bytes says what must be found::

    8 bytes magic          "agiosnap"
    uint32  crc32c         of the rest of the header
    uint32  version        of this layout and of the rows
    int64   sequence       of the last record that the state contains
    uint32  record_crc32c  that record's, as the journal has it: it ties the two together
    uint32  body_crc32c    of all that follows the header
    int64   body_bytes
    int64   accounts       how many
    int64   open_orders    how many
    24 bytes               state hash (16 bytes), zeros

The body is sections back to back, each a uint32 with its size and as many bytes of MessagePack: an
array of the section's name and its rows (`matching.core.snapshot`, `matching.sequencer`).

History
-------
1   The first version.
2   A book's limits and reference price.
3   Of closed orders only what their client order ids need.
4   What was said of a book's auction.
5   When it ends.
6   Self-trade prevention.
7   Fee tiers.
8   Orders that wait for a price.
9   Whether an account is suspended.
10  What icebergs hide.
11  Lists of orders.
12  Which session entered an order.
13  Increments, and auctions that are not through. Version 12, which has none, is read as before.
14  Lists of three orders. Version 13, which has none, is read as before.
15  Closed orders' client order ids as words, not one by one. Versions 12 to 14 are read as before.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from struct import Struct
from typing import Final, NamedTuple

import google_crc32c
import msgspec

from matching.core import snapshot
from matching.core.engine import Engine
from matching.sequencer import Sequencer

MAGIC: Final = b"agiosnap"
VERSION: Final = 15
VERSIONS_READ: Final = (12, 13, 14, 15)
SUFFIX: Final = ".snapshot"
HEADER: Final = Struct("<8sIIqIIqqq16s8x")
_SECTION_SIZE: Final = Struct("<I")


class SnapshotUnusableError(Exception):
    """A snapshot that no state can be taken from; says why."""


class SnapshotHeader(NamedTuple):
    """What a snapshot says of itself."""

    sequence: int
    record_crc32c: int
    body_crc32c: int
    body_bytes: int
    accounts: int
    open_orders: int
    state_hash: str


class Restored(NamedTuple):
    """The state of a snapshot, verified against its header."""

    header: SnapshotHeader
    engine: Engine
    sequencer: Sequencer


def snapshot_name(sequence: int) -> str:
    return f"{sequence:020d}{SUFFIX}"


def pack_body(engine: Engine, sequencer: Sequencer) -> Iterator[bytes]:
    """Yield the sections of a snapshot; neither may change meanwhile."""
    encoder = msgspec.msgpack.Encoder()
    for section in chain(sequencer.save(), snapshot.save(engine.state)):
        data = encoder.encode(section)
        yield _SECTION_SIZE.pack(len(data)) + data


def pack_header(header: SnapshotHeader) -> bytes:
    *numbers, state_hash = header
    checked = HEADER.pack(b"", 0, VERSION, *numbers, bytes.fromhex(state_hash))[12:]
    crc: int = google_crc32c.value(checked)
    return MAGIC + crc.to_bytes(4, "little") + checked


def unpack_header(data: bytes) -> SnapshotHeader:
    """Return what a snapshot says of itself. Raises `SnapshotUnusableError`."""
    if len(data) < HEADER.size:
        raise SnapshotUnusableError(f"only {len(data)} bytes long")
    magic, crc, version, *numbers, state_hash = HEADER.unpack_from(data)
    if magic != MAGIC or crc != google_crc32c.value(data[12 : HEADER.size]):
        raise SnapshotUnusableError("its header is not one of a snapshot")
    if version not in VERSIONS_READ:
        raise SnapshotUnusableError(f"layout {version} unknown, only {VERSIONS_READ}")
    return SnapshotHeader._make((*numbers, state_hash.hex()))


def unpack_snapshot(data: bytes) -> Restored:
    """Return engine and sequencer as they were. Raises `SnapshotUnusableError`."""
    header = unpack_header(data)
    body = memoryview(data)[HEADER.size :]
    if len(body) != header.body_bytes:
        raise SnapshotUnusableError(f"{len(body)} bytes behind the header, not {header.body_bytes}")
    if google_crc32c.value(bytes(body)) != header.body_crc32c:
        raise SnapshotUnusableError("the CRC32C of its body is wrong")
    engine, sequencer = Engine(), Sequencer()
    try:
        _restore(body, engine, sequencer)
    except Exception as error:  # rows that `save` never makes may fail in any way
        raise SnapshotUnusableError(f"{type(error).__name__}: {error}") from error
    _compare(header, engine, sequencer)
    return Restored(header, engine, sequencer)


def _restore(body: memoryview, engine: Engine, sequencer: Sequencer) -> None:
    decoder = msgspec.msgpack.Decoder(tuple[str, list[tuple]])  # type: ignore[type-arg]
    at = 0
    while at < len(body):
        start = at + _SECTION_SIZE.size
        at = start + _SECTION_SIZE.unpack_from(body, at)[0]
        section = decoder.decode(body[start:at])
        if not sequencer.restore_section(section):
            snapshot.restore(engine.state, section)


def _compare(header: SnapshotHeader, engine: Engine, sequencer: Sequencer) -> None:
    found = (
        engine.sequence,
        sequencer.last_sequence,
        len(engine.state.accounts),
        engine.open_order_count,
        engine.state_hash(),
    )
    told = (
        header.sequence,
        header.sequence,
        header.accounts,
        header.open_orders,
        header.state_hash,
    )
    if found != told:
        raise SnapshotUnusableError(f"its header tells of {told}, its rows of {found}")

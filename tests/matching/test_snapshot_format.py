"""Snapshots that are cut short, flipped or of another journal are known as such (F8)."""

from collections.abc import Iterator
from itertools import chain

import google_crc32c
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching import snapshot_format
from matching.core import snapshot
from matching.core.engine import Engine
from matching.replay import Replay
from matching.sequencer import Sequencer
from matching.snapshot_format import (
    HEADER,
    SnapshotHeader,
    SnapshotUnusableError,
    pack_body,
    pack_header,
    unpack_header,
    unpack_snapshot,
)
from tests.matching.core.requests import enter
from tests.matching.samples import NOW_NS, make_records
from vocabulary import events as e
from vocabulary.codec import pack, unpack
from vocabulary.types import TimeInForce


def state(count: int = 12) -> tuple[Engine, Sequencer]:
    engine, sequencer = Engine(), Sequencer()
    Replay(engine, sequencer).apply(b"".join(make_records(count)))
    return engine, sequencer


def packed(engine: Engine, sequencer: Sequencer, body: bytes | None = None) -> bytes:
    body = b"".join(pack_body(engine, sequencer)) if body is None else body
    header = SnapshotHeader(
        engine.sequence,
        99,
        google_crc32c.value(body),
        len(body),
        len(engine.state.accounts),
        engine.open_order_count,
        engine.state_hash(),
    )
    return pack_header(header) + body


SMALL = packed(*state())


def test_a_snapshot_gives_back_engine_and_sequencer() -> None:
    engine, sequencer = state()
    header, engine_again, sequencer_again = unpack_snapshot(SMALL)

    assert (header.sequence, header.record_crc32c, header.accounts) == (12, 99, 3)
    assert engine_again.state_hash() == header.state_hash == engine.state_hash()
    assert engine_again.funds() == engine.funds()
    assert list(sequencer_again.save()) == list(sequencer.save())
    assert sequencer_again.find(7, 3) == 10
    assert sequencer_again.timestamp(1) == sequencer.timestamp(1)  # time does not go back
    with pytest.raises(KeyError):
        sequencer_again.find(1, 0)


def damaged() -> Iterator[bytes]:
    """Give the small snapshot with each of its bytes flipped, and cut before each of them."""
    for at, byte in enumerate(SMALL):
        if not HEADER.size - 8 <= at < HEADER.size:
            yield SMALL[:at] + bytes([byte ^ 0x10]) + SMALL[at + 1 :]
        yield SMALL[:at]
    yield SMALL + b"\0"


def test_f8_damage_to_any_byte_is_found() -> None:
    count = 0
    for data in damaged():
        count += 1
        with pytest.raises(SnapshotUnusableError):
            unpack_snapshot(data)
    assert count > 2 * len(SMALL) - 20


def test_the_header_s_padding_is_covered_too() -> None:
    changed = bytearray(SMALL)
    changed[HEADER.size - 1] = 1
    with pytest.raises(SnapshotUnusableError, match="header"):
        unpack_header(bytes(changed))


def test_rows_that_do_not_make_the_header_s_state_are_refused() -> None:
    engine, sequencer = state()
    body = b"".join(pack_body(engine, sequencer))
    other = body.replace(b"\xa3BTC", b"\xa3BTD")
    assert other != body
    with pytest.raises(SnapshotUnusableError, match="its header tells of"):
        unpack_snapshot(packed(engine, sequencer, other))
    with pytest.raises(SnapshotUnusableError, match="its header tells of"):
        unpack_snapshot(packed(engine, sequencer, b""))


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_whole_but_senseless_rows_are_refused_and_nothing_else(data: st.DataObject) -> None:
    engine, sequencer = state()
    body = bytearray(b"".join(pack_body(engine, sequencer)))
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    whole = packed(engine, sequencer, bytes(body))
    try:
        restored = unpack_snapshot(whole)
    except SnapshotUnusableError:
        return
    assert restored.engine.state_hash() == engine.state_hash()


def test_a_snapshot_of_version_14_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, sequencer = state()
    ioc = enter(client_order_id=b"closed", time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL)
    engine.apply(pack(ioc), 13, NOW_NS)
    sequencer.restore(13, NOW_NS, 7, 13)
    sections = [
        section
        for section in chain(sequencer.save(), snapshot.save(engine.state))
        if section[0] != "closed_names"
    ]
    rows = [
        (account_id, *name)
        for account_id, account in engine.state.accounts.items()
        for name in account.client_order_ids.closed()
    ]
    before_orders = [section[0] for section in sections].index("books") + 1
    sections.insert(before_orders, ("closed_orders", rows))
    encoded = [msgspec.msgpack.encode(section) for section in sections]
    body = b"".join(len(data).to_bytes(4, "little") + data for data in encoded)
    monkeypatch.setattr(snapshot_format, "VERSION", 14)
    data = packed(engine, sequencer, body)
    monkeypatch.undo()
    restored = unpack_snapshot(data).engine
    assert unpack(restored.apply(pack(ioc), 14, NOW_NS))[0] == e.OrderRepeated(13, 1, 1)

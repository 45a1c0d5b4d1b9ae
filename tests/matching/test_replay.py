import pytest

from matching.core.engine import Engine
from matching.replay import Replay, ReplayError
from matching.sequencer import Sequencer
from tests.matching.samples import make_records
from vocabulary.codec import RECORD_HEADER, pack_record


def test_replay_makes_the_same_events_and_counts_them() -> None:
    replay = Replay(Engine(), Sequencer())
    records = make_records(50)
    replay.apply(b"".join(records[:20]))
    replay.apply(b"".join(records[20:]))
    result = replay.result()

    assert result.last_sequence == 50
    assert result.commands == {
        "EnterOrder": 43,
        "ListAsset": 2,
        "ListInstrument": 1,
        "CreditFunds": 4,
    }
    assert result.events["OrderAccepted"] == 43
    assert result.events["TradeExecuted"] > 0


def test_pieces_do_not_matter_to_the_state() -> None:
    """I5: one hash, however the records come."""
    records = make_records(40)
    hashes = set()
    for pieces in ([b"".join(records)], records):
        replay = Replay(Engine(), Sequencer())
        for piece in pieces:
            replay.apply(piece)
        hashes.add(replay.result().state_hash)
    assert len(hashes) == 1


def test_replay_restores_what_the_sequencer_knew() -> None:
    sequencer = Sequencer()
    Replay(Engine(), sequencer).apply(b"".join(make_records(20)))
    assert sequencer.find(7, 13) == 20
    assert sequencer.find(7, 14) is None


def test_another_event_than_the_journal_s_is_an_error_that_names_both() -> None:
    records = make_records(9)
    body = records[7][RECORD_HEADER.size :]
    changed = body.replace((8).to_bytes(8, "little"), (9).to_bytes(8, "little"))  # the order id
    assert changed != body
    records[7] = pack_record(8, RECORD_HEADER.unpack_from(records[7])[3], changed, b"")

    replay = Replay(Engine(), Sequencer())
    with pytest.raises(
        ReplayError, match=r"sequence 8: event 0 was OrderAccepted\(order_id=9"
    ) as e:
        replay.apply(b"".join(records))
    assert "is OrderAccepted(order_id=8" in str(e.value)
    assert e.value.sequence == 8


def test_an_event_missing_from_the_journal_is_an_error() -> None:
    record = make_records(1)[0]
    cut = record[RECORD_HEADER.size : -32]
    stamped = pack_record(1, RECORD_HEADER.unpack_from(record)[3], cut, b"")
    with pytest.raises(ReplayError, match="was None in the journal, is AssetListed"):
        Replay(Engine(), Sequencer()).apply(stamped)


def test_a_hole_in_the_sequence_is_an_error() -> None:
    records = make_records(9)
    with pytest.raises(ReplayError, match=r"sequence 5: .* follows 3"):
        Replay(Engine(), Sequencer()).apply(b"".join([*records[:3], *records[4:]]))

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vocabulary.test_codec import commands, events
from vocabulary import events as e
from vocabulary.codec import LAYOUTS, CodecError, pack, pack_record, unpack_record
from vocabulary.excerpt import event_kinds, unpack_excerpts

EVENT_TYPES = [one for one in LAYOUTS if issubclass(one, e.Event)]
TRADES = event_kinds({e.TradeExecuted})

packed_records = st.lists(
    st.tuples(commands, st.lists(events, max_size=4)), min_size=1, max_size=4
).map(
    lambda made: [
        pack_record(sequence, 5 * sequence, pack(command), b"".join(map(pack, happened)))
        for sequence, (command, happened) in enumerate(made, 1)
    ]
)


@given(packed_records, st.sets(st.sampled_from(EVENT_TYPES)))
def test_an_excerpt_has_the_wanted_events_where_they_stand(
    packed: list[bytes], wanted: set[type[e.Event]]
) -> None:
    excerpts = unpack_excerpts(b"".join(packed), event_kinds(wanted))
    assert len(excerpts) == len(packed)
    for data, excerpt in zip(packed, excerpts, strict=True):
        record, _ = unpack_record(data)
        assert excerpt[:2] == (record.sequence, record.timestamp_ns)
        assert [(at, event) for at, event in enumerate(excerpt.events) if event is not None] == [
            (at, event) for at, event in enumerate(record.events) if type(event) in wanted
        ]


@given(packed_records, st.data())
def test_a_record_cut_anywhere_is_refused(packed: list[bytes], data: st.DataObject) -> None:
    end = data.draw(st.integers(1, len(packed[0]) - 1))
    with pytest.raises(CodecError):
        unpack_excerpts(packed[0][:end], TRADES)


@given(packed_records, st.data())
def test_sizes_that_lead_astray_are_refused_or_lead_to_the_end(
    packed: list[bytes], data: st.DataObject
) -> None:
    """No message of no bytes, over which a reader would never come."""
    damaged = bytearray(b"".join(packed))
    at = data.draw(st.integers(0, len(damaged) // 4 - 1)) * 4
    damaged[at : at + 4] = data.draw(st.sampled_from([0, 4, 7, 1 << 31])).to_bytes(4, "little")
    with suppress(CodecError):
        unpack_excerpts(bytes(damaged), TRADES)

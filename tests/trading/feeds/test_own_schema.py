"""Nothing malformed passes, nothing valid is refused."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading.own_events import amended, filled, reported, taken
from trading.decisions import Action
from trading.events import OwnEvent, ReportKind, encode
from trading.feeds.own_schema import decode_own_event
from trading.feeds.rejects import RejectedError

SYMBOLS = ("BTCUSDT",)
VALID: list[OwnEvent] = [
    taken(1),
    taken(7, action=Action.CANCEL, order=3),
    taken(2, price_ticks=0, lots=0),  # nonsense, which risk limits are there to refuse
    reported(1, "e1"),
    reported(4, "risk-4", kind=ReportKind.REFUSED, leaves_lots=0, reason="order_lots_max"),
    filled(3, "e2"),
    reported(3, "v", kind=ReportKind.CANCEL_REFUSED, number=5, reason="Unknown order sent."),
    amended(3),
    amended(3, 2, price_ticks=9_000, lots=4, fee_units=-1, undone_fee_units=-2),
]


def reason(data: bytes) -> str:
    with pytest.raises(RejectedError) as raised:
        decode_own_event(data, SYMBOLS)
    return raised.value.reason


@pytest.mark.parametrize("event", VALID, ids=repr)
def test_what_fits_is_taken_as_it_is(event: OwnEvent) -> None:
    assert decode_own_event(encode(event), SYMBOLS) == event


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (taken(1, symbol="DOGEUSDT"), "unknown_symbol"),
        (taken(1, stream_sequence=5), "inconsistent"),
        (taken(1, received_ns=5), "inconsistent"),
        (taken(1, strategy="Maker"), "inconsistent"),
        (taken(1, strategy="marketmaker"), "inconsistent"),
        (taken(0), "inconsistent"),
        (taken(1, epoch=0), "inconsistent"),
        (taken(1, order=2), "inconsistent"),
        (taken(1, action=Action.CANCEL), "inconsistent"),
        (taken(1, lots=-1), "malformed"),
        (taken(1, lots=2**63), "malformed"),
        (taken(1, action=3), "malformed"),
        (taken(1, cause="3"), "malformed"),
        (taken(1, cause=3.0), "malformed"),
        (reported(1, ""), "inconsistent"),
        (reported(1, "x" * 65), "inconsistent"),
        (reported(1, "a", reason="x" * 1001), "inconsistent"),
        (reported(1, "a", leaves_lots=11), "inconsistent"),
        (reported(1, "a", trade_id=1), "inconsistent"),
        (reported(1, "a", is_maker=True), "inconsistent"),
        (reported(1, "a", kind=ReportKind.TRADED), "inconsistent"),
        (reported(1, "a", kind=9), "malformed"),
        (amended(0), "inconsistent"),
        (amended(1, 0), "inconsistent"),
        (amended(1, undone_lots=0), "inconsistent"),
        (amended(1, price_ticks=5), "inconsistent"),
        (amended(1, fee_units=5), "inconsistent"),
        (amended(1, lots=-1), "malformed"),
        (amended(1, symbol="DOGEUSDT"), "unknown_symbol"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_reason(event: OwnEvent, expected: str) -> None:
    assert reason(encode(event)) == expected


@given(st.sampled_from(VALID), st.data())
def test_no_damaged_event_passes_as_another(event: OwnEvent, data: st.DataObject) -> None:
    """Change a byte: it is refused, or an event that is encoded so."""
    sound = encode(event)
    place = data.draw(st.integers(0, len(sound) - 1))
    damaged = sound[:place] + data.draw(st.binary(max_size=2)) + sound[place + 1 :]
    try:
        decoded = decode_own_event(damaged, SYMBOLS)
    except RejectedError:
        return
    assert encode(decoded) == damaged


@given(st.sampled_from(VALID), st.data())
def test_a_field_more_less_or_of_another_type_is_refused(
    event: OwnEvent, data: st.DataObject
) -> None:
    fields: list[Any] = msgspec.msgpack.decode(encode(event))
    place = data.draw(st.integers(0, len(fields) - 1))
    change = data.draw(st.sampled_from(["more", "less", "other"]))
    if change == "more":
        fields.append(0)
    elif change == "less":
        fields = fields[:place]
    else:
        fields[place] = [fields[place]]
    assert reason(msgspec.msgpack.encode(fields)) == "malformed"

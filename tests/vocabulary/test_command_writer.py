"""The commands of single orders, written as words: the codec's bytes of them."""

from hypothesis import given
from hypothesis import strategies as st

from vocabulary import commands as c
from vocabulary.codec import pack
from vocabulary.command_writer import CommandWriter
from vocabulary.types import ID_MAX, INT64_MAX, OrderFlags, OrderType, Side, TimeInForce

SESSION_ID, ACCOUNT_ID = 2**63 - 5, ID_MAX
NUMBERS = st.integers(0, INT64_MAX)
IDS = st.integers(1, ID_MAX)
TEXTS = st.binary(max_size=39)
# One writer for all: nothing of a command may be left in the next one.
WRITER = CommandWriter(SESSION_ID, ACCOUNT_ID)


@given(
    NUMBERS,
    IDS,
    st.sampled_from(Side),
    st.sampled_from(OrderType),
    st.sampled_from(TimeInForce),
    st.sampled_from([OrderFlags.NONE, OrderFlags.POST_ONLY]),
    NUMBERS,
    NUMBERS,
    TEXTS,
)
def test_an_order_to_enter(
    number: int,
    instrument_id: int,
    side: Side,
    order_type: OrderType,
    time_in_force: TimeInForce,
    flags: OrderFlags,
    price_ticks: int,
    quantity_lots: int,
    text: bytes,
) -> None:
    terms = (side, order_type, time_in_force, flags, price_ticks, quantity_lots)
    command = c.EnterOrder(SESSION_ID, number, ACCOUNT_ID, instrument_id, *terms, text)
    place = (b"11=" + text + b"\x01", 3, 3 + len(text))
    assert WRITER.enter_order(number, instrument_id, *terms, *place) == pack(command)


@given(NUMBERS, IDS, NUMBERS, NUMBERS, NUMBERS, TEXTS, TEXTS)
def test_an_order_to_replace_and_to_cancel(
    number: int,
    instrument_id: int,
    order_id: int,
    price_ticks: int,
    quantity_lots: int,
    text: bytes,
    original: bytes,
) -> None:
    session = (SESSION_ID, number, ACCOUNT_ID, instrument_id)
    at = len(original)
    octets = (original + text, at, at + len(text), 0, at)
    assert WRITER.replace_order(
        number, instrument_id, order_id, price_ticks, quantity_lots, *octets
    ) == pack(c.ReplaceOrder(*session, order_id, price_ticks, quantity_lots, text, original))
    assert WRITER.cancel_order(number, instrument_id, order_id, *octets) == pack(
        c.CancelOrder(*session, order_id, text, original)
    )

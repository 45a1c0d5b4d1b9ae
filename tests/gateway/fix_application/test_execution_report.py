"""What is spelled by typed code is what the instrument's own text says, also beyond 64 bits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.fix_application import execution_report
from gateway.orders import Order
from tests.gateway.fix_messages import fields_of
from vocabulary.instrument import Asset, Instrument, Units, build_instrument, listing_terms
from vocabulary.types import PRICE_TICKS_MAX, QUANTITY_LOTS_MAX, OrderType

pytestmark = pytest.mark.core


def listed(tick: str, lot: str, scales: tuple[int, int] = (8, 8)) -> Instrument:
    base, quote = Asset(1, "BASE", scales[0]), Asset(2, "QUOTE", scales[1])
    terms = listing_terms(base, quote, tick, lot)
    return build_instrument(7, "BASEQUOTE", base, quote, terms, maker_fee_ppm=0, taker_fee_ppm=0)


INSTRUMENTS = [
    listed("0.01", "0.00001"),
    listed("1", "1", (0, 0)),
    listed("0.5", "0.025", (3, 4)),
    listed("25000", "1000", (0, 0)),
    # A price, a quantity and an average of these may take more than 64 bits.
    listed("12345678901", "98765432", (0, 0)),
    listed("0.000000000001", "1", (0, 12)),
]


@given(
    st.sampled_from(INSTRUMENTS),
    st.integers(1, PRICE_TICKS_MAX),
    st.integers(1, QUANTITY_LOTS_MAX),
    st.integers(0, 2**63 - 1),
    st.booleans(),
)
def test_amounts_are_spelled_as_the_instrument_does(
    instrument: Instrument, ticks: int, lots: int, quote_units: int, at_one_price: bool
) -> None:
    order = Order(instrument, Units(instrument))
    order.order_type = OrderType.LIMIT
    order.price_ticks = ticks
    order.quantity_lots = order.cumulative_lots = lots
    order.quote_units = ticks * lots * instrument.tick_lot_units if at_one_price else quote_units
    told = fields_of(execution_report.state_of(order))
    assert told[44] == instrument.price_text(ticks)
    assert told[38] == told[14] == instrument.quantity_text(lots)
    assert told[6] == instrument.average_price_text(order.quote_units, lots)
    assert (told[55], told[151]) == ("BASEQUOTE", instrument.quantity_text(0))

import pyarrow as pa
import pytest
from hypothesis import given

from tests.trading.history.sample_events import plausible, streams
from trading.events import AnyEvent, BookChanged, Level, TradePrinted
from trading.history import rows


@given(streams())
def test_rows_give_back_the_very_events(events: list[AnyEvent]) -> None:
    for name, table in rows.TABLES.items():
        for symbol in {event.symbol for event in events}:
            wanted = [
                event
                for event in events
                if type(event) is table.event_type and event.symbol == symbol
            ]
            assert rows.from_rows(name, symbol, rows.to_rows(name, wanted)) == wanted


def test_every_type_of_event_has_a_table() -> None:
    assert set(rows.TABLE_OF) == set(AnyEvent.__args__)


def test_rows_of_a_slice_are_its_events() -> None:
    events = [event for event in plausible(200) if isinstance(event, BookChanged)]
    table = rows.to_rows("book_change", events).slice(50, 20)
    assert [event.stream_sequence for event in rows.from_rows("book_change", "X", table)] == [
        event.stream_sequence for event in events[50:70]
    ]


@pytest.mark.parametrize("price_ticks", [2**63, -(2**63) - 1])
def test_an_integer_of_more_than_64_bits_is_never_wrapped(price_ticks: int) -> None:
    trade = TradePrinted(1, "X", 1, 1, 1, 1, price_ticks, 1, True)
    book = BookChanged(1, "X", 1, 1, 1, (), (Level(1, price_ticks),))
    assert not rows.fits(trade)
    assert not rows.fits(book)
    with pytest.raises(OverflowError):
        rows.to_rows("trade", [trade])
    with pytest.raises(OverflowError):
        rows.to_rows("book_change", [book])


def test_rows_of_another_shape_are_refused() -> None:
    table = rows.to_rows("trade", [TradePrinted(1, "X", 1, 1, 1, 1, 1, 1, True)])
    with pytest.raises(rows.RowsError, match="not the trade table"):
        rows.from_rows("trade", "X", table.append_column("more", pa.array([1])))

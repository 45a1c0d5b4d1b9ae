"""What most records tell is read from their words: it is what their objects tell, too."""

from collections.abc import Iterator

import pytest

from gateway.order_tracker import Orders
from gateway.orders import Fill, Order, Report
from matching.core.engine import Engine
from matching.pipeline import Pipeline
from matching.sequencer import Sequencer
from tests.matching.golden_journal import commands
from vocabulary import commands as c
from vocabulary.catalogue import Catalogue
from vocabulary.codec import CodecError, Record, pack, pack_record, unpack_record
from vocabulary.events import OrderAccepted, OrderCanceled, OrderRested
from vocabulary.instrument import Asset, build_instrument, listing_terms
from vocabulary.packed_records import unpack_records
from vocabulary.types import (
    CancelReason,
    OrderFlags,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

pytestmark = pytest.mark.core

SIZE_AT = 4
"""Where a record's header says how long it is, behind its CRC."""

ORDER_FIELDS = [
    "order_id",
    "account_id",
    "session_id",
    "side",
    "order_type",
    "time_in_force",
    "expire_time_ns",
    "flags",
    "price_ticks",
    "trigger_price_ticks",
    "trailing_bps",
    "is_waiting",
    "quantity_lots",
    "leaves_lots",
    "display_lots",
    "quote_amount_units",
    "self_trade_prevention",
    "prevented_lots",
    "decreased_lots",
    "prevented",
    "undone_lots",
    "cumulative_lots",
    "quote_units",
    "client_order_id",
    "status",
    "entered_ns",
    "updated_ns",
]
REPORT_FIELDS = [
    "kind",
    "sequence",
    "report_index",
    "timestamp_ns",
    "reason",
    "status",
    "cumulative_lots",
    "leaves_lots",
    "quote_units",
    "is_requester",
    "client_order_id",
    "original_client_order_id",
    "prevented",
    "exec_id",
    "exec_ref_id",
]
FILL_FIELDS = [
    "trade_id",
    "order_id",
    "account_id",
    "side",
    "price_ticks",
    "quantity_lots",
    "quote_units",
    "fee_units",
    "fee_asset",
    "is_maker",
    "timestamp_ns",
    "client_order_id",
    "sequence",
    "amendments",
    "is_busted",
]


def values(of: Order | Report | Fill | None, fields: list[str]) -> list[object]:
    return [getattr(of, field) for field in fields] if of is not None else []


def told(report: Report) -> list[list[object]]:
    """Return all that a report says, now: its order goes on to change."""
    return [
        values(report, REPORT_FIELDS),
        values(report.order, ORDER_FIELDS),
        values(report.fill, FILL_FIELDS),
    ]


def every_scenario() -> Iterator[bytes]:
    """Yield the records that each command of all scenarios makes."""
    pipeline = Pipeline(Engine(), Sequencer())
    for now_ns, command in commands():
        yield pipeline.execute([(None, command)], now_ns).records


def test_every_scenario_is_reported_alike_from_words_and_from_objects() -> None:
    from_words, from_objects = Orders(Catalogue()), Orders(Catalogue())
    reports = 0
    for data in every_scenario():
        at = 0
        for record in unpack_records(data):
            whole, at = unpack_record(data, at)
            assert record.data
            assert not whole.data
            given = [told(report) for report in from_words.apply(record)]
            assert given == [told(report) for report in from_objects.apply(whole)]
            reports += len(given)
    assert reports > 500
    assert from_words.open_order_count == from_objects.open_order_count > 0
    assert from_words.catalogue.reference_ticks == from_objects.catalogue.reference_ticks


ENTER = c.EnterOrder(
    2**64 - 2,
    2**63 - 1,
    2**31 - 1,
    2**31 - 2,
    Side.SELL,
    OrderType.STOP_LIMIT,
    TimeInForce.GOOD_TILL_DATE,
    OrderFlags.POST_ONLY,
    2**40,
    2**48,
    b"x" * 36,
)
BTC, USDT = Asset(1, "BTC", 8), Asset(2, "USDT", 8)
BTCUSDT = build_instrument(
    ENTER.instrument_id,
    "BTCUSDT",
    BTC,
    USDT,
    listing_terms(BTC, USDT, "0.01", "0.00001"),
    maker_fee_ppm=1_000,
    taker_fee_ppm=2_000,
)
LATER = {
    "expire_time_ns": 2**62,
    "self_trade_prevention": SelfTradePrevention.DECREMENT,
    "trigger_price_ticks": 2**39,
    "trailing_bps": 5_000,
    "quote_units": 2**61,
    "display_lots": 2**47,
}


@pytest.mark.parametrize("count", range(len(LATER) + 1))
def test_an_order_of_every_version_is_read_with_all_its_terms(count: int) -> None:
    # Each field alone, and all up to it: a version ends where its last field stands.
    for fields in (dict(list(LATER.items())[:count]), dict(list(LATER.items())[count : count + 1])):
        command = c.EnterOrder(
            *(getattr(ENTER, name) for name in c.EnterOrder.__struct_fields__[:11]),
            **fields,  # type: ignore[arg-type]
        )
        accepted = OrderAccepted(7, command.account_id, command.instrument_id, 1)
        data = pack_record(9, 10**18, pack(command), pack(accepted))
        orders = []
        for record in (*unpack_records(data), unpack_record(data)[0]):
            tracker = Orders(Catalogue())
            tracker.catalogue.instruments[command.instrument_id] = BTCUSDT
            (report,) = tracker.apply(record)
            orders.append(values(report.order, ORDER_FIELDS))
        assert orders[0] == orders[1]


@pytest.mark.parametrize("order_id", [7, 8, 0])
@pytest.mark.parametrize("last_name", [ENTER.client_order_id, b"another", b""])
def test_a_canceled_order_is_told_to_who_named_it_by_id_or_by_name(
    order_id: int, last_name: bytes
) -> None:
    ids = ENTER.account_id, ENTER.instrument_id
    accepted = OrderAccepted(7, *ids, 1)
    canceled = OrderCanceled(7, *ids, Side.SELL, True, CancelReason.REQUESTED, 5, 6, 0, 1)
    cancel = c.CancelOrder(1, 2, *ids, order_id, b"its end", last_name)
    data = pack_record(9, 10**18, pack(ENTER), pack(accepted))
    data += pack_record(10, 10**18, pack(cancel), pack(canceled))
    is_named = order_id == 7 if order_id else last_name == ENTER.client_order_id
    entered, at = unpack_record(data)
    for records in (unpack_records(data), [entered, unpack_record(data, at)[0]]):
        tracker = Orders(Catalogue())
        tracker.catalogue.instruments[ENTER.instrument_id] = BTCUSDT
        tracker.apply(records[0])
        (report,) = tracker.apply(records[1])
        assert report.is_requester == is_named
        assert report.client_order_id == (b"its end" if is_named else ENTER.client_order_id)


def test_a_record_made_of_objects_is_the_one_made_of_their_bytes() -> None:
    events = [OrderAccepted(7, 1, 1, 1), OrderRested(7, 1, 1, Side.SELL, 5, 6)]
    made = Record(9, 10**18, ENTER, list(events))
    (read,) = unpack_records(pack_record(9, 10**18, pack(ENTER), b"".join(map(pack, events))))
    assert read == made
    for name in ("session_id", "session_number", "command_kind", "is_rejected"):
        assert getattr(read, name) == getattr(made, name), name


def test_a_record_of_an_odd_size_is_none() -> None:
    record = pack_record(9, 10**18, pack(ENTER), pack(OrderAccepted(7, 1, 1, 1)))
    for more in range(1, 8):
        odd = bytearray(record)
        odd[SIZE_AT] += more
        with pytest.raises(CodecError, match="size impossible, at byte 0"):
            unpack_records(bytes(odd))

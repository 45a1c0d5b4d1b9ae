from marketdata.tape import Tape
from tests.marketdata.scripted_venue import ScriptedVenue
from vocabulary.codec import Record
from vocabulary.events import TradeExecuted
from vocabulary.market_data import TAPE_PRINTS_MAX, Print


def add(tape: Tape, record: Record) -> None:
    for event in record.events:
        if isinstance(event, TradeExecuted):
            tape.print(event, record.timestamp_ns)


def test_a_print_names_buyer_and_seller_and_who_was_the_maker() -> None:
    venue, tape = ScriptedVenue(), Tape()
    ask = venue.sell(100, 5)
    taking = venue.buy(101, 2)
    add(tape, taking)
    bid = venue.buy(99, 3)
    hitting = venue.sell(98, 1)
    add(tape, hitting)
    message = tape.take(2, 1, 77)
    assert message is not None
    assert message.prints == [
        Print(1, taking.timestamp_ns, 100, 2, 200, False, taking.sequence, ask.sequence),
        Print(2, hitting.timestamp_ns, 99, 1, 99, True, bid.sequence, hitting.sequence),
    ]


def test_each_trade_is_told_once() -> None:
    venue, tape = ScriptedVenue(), Tape()
    add(tape, venue.trade(100, 1))
    assert tape.take(1, 0, 0) is not None
    assert tape.take(2, 1, 0) is None
    add(tape, venue.trade(100, 1))
    message = tape.take(3, 1, 0)
    assert message is not None
    assert [one.trade_id for one in message.prints] == [2]


def test_a_long_outage_costs_the_oldest_trades_not_memory() -> None:
    venue, tape = ScriptedVenue(), Tape()
    venue.sell(100, TAPE_PRINTS_MAX + 10)
    for _ in range(TAPE_PRINTS_MAX + 10):
        add(tape, venue.buy(100, 1))
    message = tape.take(1, 0, 0)
    assert message is not None
    ids = [one.trade_id for one in message.prints]
    assert ids == list(range(11, TAPE_PRINTS_MAX + 11))
    assert [one.trade_id for one in tape.snapshot(1, 0).prints] == ids

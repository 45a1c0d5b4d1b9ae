from marketdata.tape import Tape
from tests.marketdata.scripted_venue import ScriptedVenue
from vocabulary.codec import Record
from vocabulary.events import TradeBusted, TradeCorrected, TradeExecuted
from vocabulary.market_data import TAPE_PRINTS_MAX, AmendedTrade, Print


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


def test_an_amended_trade_is_marked_and_told_once() -> None:
    venue, tape = ScriptedVenue(), Tape()
    for _ in range(3):
        add(tape, venue.trade(100, 2))
    tape.take(1, 0, 0)
    facts = (1, 1, 2, 100, 2, 2, 200, 7, 8, 1, 2, 0, 0)
    tape.amend(TradeCorrected(*facts, 90, 1, 1, 90, 0, 0))
    tape.amend(TradeBusted(1, 1, 3, *facts[3:]))
    message = tape.take(2, 1, 0)
    assert message is not None
    assert message.prints == []
    assert message.amended == (AmendedTrade(2, 90, 1, 90), AmendedTrade(3, 100, 0, 0))
    assert tape.take(3, 2, 0) is None
    marks = [(one.price_ticks, one.is_corrected, one.is_busted) for one in tape.prints]
    assert marks == [(100, False, False), (90, True, False), (100, False, True)]


def test_a_trade_that_has_left_the_tape_is_told_of_still() -> None:
    venue, tape = ScriptedVenue(), Tape()
    for _ in range(TAPE_PRINTS_MAX + 1):
        add(tape, venue.trade(100, 1))
    tape.take(1, 0, 0)
    before = list(tape.prints)
    tape.amend(TradeBusted(1, 1, 1, 100, 1, 1, 100, 7, 8, 1, 2, 0, 0))
    message = tape.take(2, 1, 0)
    assert message is not None
    assert [one.trade_id for one in message.amended] == [1]
    assert list(tape.prints) == before

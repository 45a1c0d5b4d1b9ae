from matching.client import RecordStream
from tests.matching.samples import order
from tests.matching.venue import Venue, list_market
from vocabulary import events as e


async def filled(venue: Venue, from_sequence: int) -> RecordStream:
    """Return a stream, not open, of a journal of 17 records."""
    trader = await venue.reader()
    list_market(trader)
    for number in range(1, 11):
        trader.client.submit(order(7, number))
    await trader.wait_for(17)
    wanted = {e.TradeExecuted}
    return RecordStream(venue.address, "test", from_sequence=from_sequence, event_types=wanted)


async def test_takes_no_more_than_asked_and_nothing_behind_the_last_wanted(venue: Venue) -> None:
    stream = await filled(venue, from_sequence=3)
    await stream.open()
    taken = await stream.take(2, 5)
    assert [record.sequence for record in taken] == [3, 4]
    assert (await stream.funds()).sequence == 17  # so all the records before are here
    taken = await stream.take(100, 5, last_sequence=9)
    assert [record.sequence for record in taken] == [5, 6, 7, 8, 9]
    taken = await stream.take(100, 5)
    assert [record.sequence for record in taken] == list(range(10, 18))
    await stream.close()


async def test_wake_ends_the_wait_for_records(venue: Venue) -> None:
    stream = await filled(venue, from_sequence=18)
    await stream.open()
    stream.wake()
    assert await stream.take(1, timeout_s=60) == []
    await stream.close()

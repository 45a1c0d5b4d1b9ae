from accounts.edge.record_stream import RecordStream
from matching.edge.server import MatchingServer
from tests.accounts.edge.conftest import Trader
from tests.accounts.engine_journal import listings_and_credits


async def test_takes_no_more_than_asked_and_nothing_behind_the_last_wanted(
    matching: MatchingServer, trader: Trader
) -> None:
    await trader.send(listings_and_credits(4))
    stream = RecordStream(matching.address, from_sequence=3)
    await stream.open()
    taken = await stream.take(2, None, 5)
    assert [record.sequence for record in taken] == [3, 4]
    assert (await stream.funds()).sequence == 17  # so all the records before are here
    taken = await stream.take(100, 9, 5)
    assert [record.sequence for record in taken] == [5, 6, 7, 8, 9]
    taken = await stream.take(100, None, 5)
    assert [record.sequence for record in taken] == list(range(10, 18))
    await stream.close()


async def test_wake_ends_the_wait_for_records(matching: MatchingServer) -> None:
    stream = RecordStream(matching.address, from_sequence=1)
    await stream.open()
    stream.wake()
    assert await stream.take(1, None, timeout_s=60) == []
    await stream.close()

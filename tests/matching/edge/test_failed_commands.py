"""F25: a command at which the engine fails stops the process once, and is refused after that."""

from pathlib import Path

from matching.edge.failed_commands import note_failed_command, read_failed_commands
from matching.edge.journal_replay import verify_journal
from matching.link import RefusalCode
from matching.pipeline import EngineFailedError
from tests.matching.samples import order
from tests.matching.venue import Venue, list_market, until


async def test_the_sender_is_refused_after_the_restart_and_everyone_goes_on(venue: Venue) -> None:
    reader = await venue.reader()
    list_market(reader)
    reader.client.submit(order(7, 1, price_ticks=100))
    await reader.wait_for(8)
    assert venue.server is not None
    orders = venue.server._engine.state.orders
    resting = orders.find(8)
    assert resting is not None
    orders.remove(resting)  # so that its fill makes the engine raise
    reader.client.submit(order(7, 2, price_ticks=100))
    await until(lambda: bool(venue.failures))
    assert "AssertionError at sequence 9: EnterOrder(session_id=7, session_number=2" in str(
        venue.failures[0]
    )
    await venue.stop()

    await venue.start()
    await until(lambda: bool(reader.refused))
    assert [refusal[:3] for refusal in reader.refused] == [(RefusalCode.ENGINE_FAILED, 7, 2)]
    assert len(reader.records) == 8
    reader.client.submit(order(7, 3, price_ticks=100))
    reader.client.submit(order(7, 4, price_ticks=100))
    await reader.wait_for(10)
    assert venue.server.health()["ready"]
    assert verify_journal(venue.journal).result.last_sequence == 10


def test_a_note_that_a_crash_cut_short_is_left_out(tmp_path: Path) -> None:
    assert read_failed_commands(tmp_path) == frozenset()
    note_failed_command(tmp_path, EngineFailedError(2**63 + 7, 2, "engine\nfailed"))
    note_failed_command(tmp_path, EngineFailedError(8, 3, "engine failed"))
    assert read_failed_commands(tmp_path) == {(2**63 + 7, 2), (8, 3)}
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    assert read_failed_commands(tmp_path) == {(2**63 + 7, 2)}

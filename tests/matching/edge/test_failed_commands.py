"""F25: a command at which the engine fails stops the process once, and is refused after that."""

import time
from pathlib import Path

from matching.core.engine import Engine
from matching.edge.failed_commands import note_failed_command, read_failed_commands
from matching.edge.journal_replay import verify_journal
from matching.link import RefusalCode
from matching.pipeline import EngineFailedError
from tests.matching.samples import order
from tests.matching.venue import Venue, list_market, until
from vocabulary import commands as c
from vocabulary.codec import unpack_command
from vocabulary.types import TimeInForce


class Faulty:
    """An engine that fails at the clock's command."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def next_expiry_ns(self) -> int:
        return self._engine.next_expiry_ns

    @property
    def sequence(self) -> int:
        return self._engine.sequence

    def record_batch(self, commands: bytes, first_sequence: int, timestamp_ns: int) -> bytes:
        if isinstance(unpack_command(commands)[0], c.ExpireOrders):
            raise KeyError(first_sequence)
        return self._engine.record_batch(commands, first_sequence, timestamp_ns)


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


async def test_after_the_clock_s_own_command_failed_cancels_are_taken_and_nothing_trades(
    venue: Venue,
) -> None:
    """The clock would submit it again after each restart, and fail again, for ever."""
    reader = await venue.reader()
    list_market(reader)
    end_ns = time.time_ns() + 300_000_000
    timed = TimeInForce.GOOD_TILL_DATE
    reader.client.submit(order(7, 1, time_in_force=timed, expire_time_ns=end_ns))
    reader.client.submit(order(7, 3))
    await reader.wait_for(9)
    assert venue.server is not None
    venue.server._pipeline._engine = Faulty(venue.server._engine)
    await until(lambda: bool(venue.failures))
    assert "KeyError at sequence 10: ExpireOrders" in str(venue.failures[0])
    await venue.stop()

    server = await venue.start()
    await until(lambda: reader.client.connected)
    assert server.health()["takes"] == "cancels"
    reader.client.submit(order(7, 4))  # it would trade with the order that is over
    reader.client.submit(c.CancelOrder(7, 5, 2, 1, 9, b"", b""))
    await reader.wait_for(10)
    assert [refusal.text for refusal in reader.refused] == [
        "only cancels are taken: the engine failed at the clock's command"
    ]
    assert len(venue.failures) == 1
    await venue.stop()

    (venue.journal / "failed-commands").unlink()  # by an operator who has mended it
    server = await venue.start()
    await reader.wait_for(11)
    assert isinstance(reader.records[-1].command, c.ExpireOrders)
    assert server.health()["takes"] == "everything"


def test_a_note_that_a_crash_cut_short_is_left_out(tmp_path: Path) -> None:
    assert read_failed_commands(tmp_path) == frozenset()
    note_failed_command(tmp_path, EngineFailedError(2**63 + 7, 2, "engine\nfailed"))
    note_failed_command(tmp_path, EngineFailedError(8, 3, "engine failed"))
    assert read_failed_commands(tmp_path) == {(2**63 + 7, 2), (8, 3)}
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    assert read_failed_commands(tmp_path) == {(2**63 + 7, 2)}

import pytest

from matching.admission import Short
from matching.core.engine import Engine
from matching.link import RefusalCode
from matching.pipeline import EngineFailedError, Pipeline
from matching.sequencer import Sequencer
from tests.matching.samples import NOW_NS, listing, order, split_records
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.codec import check_record, pack, pack_record, unpack_record
from vocabulary.types import (
    CLOCK_SESSION_ID,
    STEPS_PER_COMMAND_MAX,
    CancelReason,
    Side,
    TimeInForce,
)


@pytest.fixture
def pipeline() -> Pipeline:
    pipeline = Pipeline(Engine(), Sequencer())
    pipeline.execute([("ops", pack(command)) for command in listing()], NOW_NS)
    return pipeline


def packed(*commands: c.Command) -> bytes:
    return b"".join(pack(command) for command in commands)


def test_a_batch_of_many_senders_becomes_records_in_order_of_arrival(
    pipeline: Pipeline,
) -> None:
    batch = pipeline.execute(
        [
            ("a", packed(order(7, 1, quantity_lots=2), order(7, 3))),
            ("b", packed(order(8, 2, price_ticks=101, quantity_lots=1))),
            ("a", packed(order(7, 4))),
        ],
        NOW_NS,
    )
    packed_records = list(split_records(batch.records))
    records = [unpack_record(record)[0] for record in packed_records]

    assert [check_record(record) for record in packed_records] == list(map(len, packed_records))
    assert [record.sequence for record in records] == [8, 9, 10, 11]
    assert {record.timestamp_ns for record in records} == {NOW_NS}
    assert batch.count == 4
    assert batch.own == [("a", 0, 2), ("b", 2, 3), ("a", 3, 4)]
    assert isinstance(records[0].events[0], e.OrderAccepted)
    assert isinstance(records[2].events[1], e.TradeExecuted)


def test_a_run_of_commands_makes_the_records_that_each_makes_by_itself() -> None:
    orders = [order(7, number) for number in range(1, 300)]
    cancels = [
        c.CancelOrder(8, number, 1 + number % 2, 1, 7 + number, b"", b"") for number in range(1, 40)
    ]
    commands = [pack(command) for command in [*listing(), *orders, *cancels]]
    alone, together = Engine(), Engine()
    records = [
        pack_record(sequence, NOW_NS, command, alone.apply(command, sequence, NOW_NS))
        for sequence, command in enumerate(commands, 1)
    ]
    assert together.record_batch(b"".join(commands), 1, NOW_NS) == b"".join(records)
    assert together.state_hash() == alone.state_hash()


def test_a_resend_executes_nothing_and_tells_its_original(pipeline: Pipeline) -> None:
    first = pipeline.execute([("a", packed(order(7, 1)))], NOW_NS)
    again = pipeline.execute([("b", packed(order(7, 1), order(7, 2)))], NOW_NS)

    assert sequences(first.records) == [8]
    assert again.repeats == [("b", 8)]
    assert sequences(again.records) == [9]


def test_a_command_twice_in_one_batch_executes_once(pipeline: Pipeline) -> None:
    batch = pipeline.execute([("a", packed(order(7, 1))), ("b", packed(order(7, 1)))], NOW_NS)
    assert batch.count == 1
    assert batch.repeats == [("b", 8)]


def test_refused_commands_never_reach_the_engine_and_their_neighbours_do() -> None:
    engine = Engine()
    pipeline = Pipeline(engine, Sequencer())
    pipeline.execute([("ops", packed(*listing()))], NOW_NS)
    before = engine.state_hash()

    batch = pipeline.execute([("a", packed(order(7, 5, side=3)))], NOW_NS)
    assert engine.state_hash() == before
    assert [(sender, refusal.code) for sender, refusal in batch.refusals] == [
        ("a", RefusalCode.MALFORMED_COMMAND)
    ]

    batch = pipeline.execute([("a", packed(order(7, 9), order(7, 8), order(7, 10)))], NOW_NS)
    assert [refusal[:3] for _, refusal in batch.refusals] == [(RefusalCode.NUMBER_FORGOTTEN, 7, 8)]
    assert batch.count == 2


def test_the_clock_stands_before_what_is_later(pipeline: Pipeline) -> None:
    end_ns = NOW_NS + 60 * 10**9
    timed = order(
        7, 1, side=Side.BUY, time_in_force=TimeInForce.GOOD_TILL_DATE, expire_time_ns=end_ns
    )
    taker = order(7, 2, side=Side.SELL, account_id=2)
    entered = pipeline.execute([("a", packed(timed))], NOW_NS).records
    assert pipeline.execute([], end_ns - 1).count == 0

    batch = pipeline.execute([("a", packed(taker))], end_ns)
    expired, after = (unpack_record(record)[0] for record in split_records(batch.records))
    assert expired.command == c.ExpireOrders(CLOCK_SESSION_ID, end_ns, STEPS_PER_COMMAND_MAX)
    [canceled] = expired.events
    assert isinstance(canceled, e.OrderCanceled)
    assert (canceled.order_id, canceled.reason) == (
        unpack_record(entered)[0].sequence,
        CancelReason.EXPIRED,
    )
    assert not any(isinstance(event, e.TradeExecuted) for event in after.events)
    assert batch.own == [("a", 1, 2)]
    assert pipeline.execute([], end_ns).records == b""


def test_a_fault_ends_its_sender_s_bytes_only(pipeline: Pipeline) -> None:
    batch = pipeline.execute(
        [
            ("a", packed(order(7, 1)) + b"nonsense" + packed(order(7, 2))),
            ("b", packed(order(8, 1))),
        ],
        NOW_NS,
    )
    assert [sender for sender, _ in batch.faults] == ["a"]
    assert batch.own == [("a", 0, 1), ("b", 1, 2)]


def test_an_engine_that_raises_ends_the_pipeline_and_names_the_command() -> None:
    """F25: nobody goes on with a state that nobody knows."""

    class Poisoned:
        next_expiry_ns = 0
        sequence = 1  # so it fails at the second command

        def record_batch(self, commands: bytes, first_sequence: int, timestamp_ns: int) -> bytes:
            raise ZeroDivisionError

    pipeline = Pipeline(Poisoned(), Sequencer())
    with pytest.raises(EngineFailedError, match="ZeroDivisionError at sequence 2: Enter") as failed:
        pipeline.execute([("a", packed(order(7, 1), order(7, 5), order(7, 6)))], NOW_NS)
    assert (failed.value.session_id, failed.value.session_number) == (7, 5)


def test_f5_what_is_short_of_room_is_counted_command_by_command(pipeline: Pipeline) -> None:
    record = len(pipeline.execute([("a", packed(order(7, 1)))], NOW_NS).records)
    pipeline.admission.short = Short(5 * record, 4 * record, 2 * record)
    orders = packed(order(7, 3), order(7, 5), order(7, 7))
    cancels = packed(*(c.CancelAllOrders(8, number, 2, 1, b"") for number in range(1, 9)))
    batch = pipeline.execute([("a", orders), ("b", cancels)], NOW_NS)

    records = list(split_records(batch.records))
    assert [command_of(record) for record in records[:3]] == [(7, 3), (7, 5), (8, 1)]
    assert len(batch.records) <= 3 * record + len(records[2])
    texts = {sender: refusal.text for sender, refusal in batch.refusals}
    assert texts == {
        "a": "only cancels are taken: the journal's disk is full",
        "b": "nothing is taken: the journal's disk is full",
    }
    again = pipeline.execute([("a", orders)], NOW_NS)
    assert [sequence for _, sequence in again.repeats] == [9, 10]  # what was done is still told


def test_f5_a_record_for_which_nothing_kept_suffices_is_a_failure_of_its_command(
    pipeline: Pipeline,
) -> None:
    pipeline.admission.short = Short(100, 50, 25)
    with pytest.raises(EngineFailedError, match="no room for record 8 of") as failed:
        pipeline.execute([("a", packed(order(7, 1)))], NOW_NS)
    assert (failed.value.session_id, failed.value.session_number) == (7, 1)


def sequences(records: bytes) -> list[int]:
    return [unpack_record(record)[0].sequence for record in split_records(records)]


def command_of(record: bytes) -> tuple[int, int]:
    command = unpack_record(record)[0].command
    return command.session_id, command.session_number

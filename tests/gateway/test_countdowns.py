"""Countdowns of one process, and the cancel at the end of one by the real engine."""

from gateway.countdowns import Countdowns, Target
from tests.gateway.engine_room import ALICE
from tests.gateway.json_desk import NOW_NS, Desk

TARGET = Target(ALICE, "BTCUSDT")
SECOND_NS = 1_000_000_000


def test_a_countdown_runs_until_it_is_renewed_ended_or_over() -> None:
    running = Countdowns()
    running.set(TARGET, 3_000, NOW_NS)
    assert running.take_due(NOW_NS + 2 * SECOND_NS) == []
    running.set(TARGET, 3_000, NOW_NS + 2 * SECOND_NS)
    assert running.take_due(NOW_NS + 5 * SECOND_NS - 1) == []
    assert running.left_ms(TARGET, NOW_NS + 4 * SECOND_NS) == 1_000
    assert running.left_ms(TARGET, NOW_NS + 9 * SECOND_NS) == 1
    assert running.take_due(NOW_NS + 5 * SECOND_NS) == [TARGET]
    assert running.take_due(NOW_NS + 9 * SECOND_NS) == []
    running.set(TARGET, 3_000, NOW_NS)
    running.set(TARGET, 0, NOW_NS)
    assert (running.left_ms(TARGET, NOW_NS), list(running)) == (0, [])


def test_what_could_not_be_canceled_is_due_again_unless_the_client_is_back() -> None:
    running = Countdowns()
    running.retry(TARGET, NOW_NS)
    assert running.take_due(NOW_NS + SECOND_NS - 1) == []
    assert running.take_due(NOW_NS + SECOND_NS) == [TARGET]
    running.set(TARGET, 60_000, NOW_NS)
    running.retry(TARGET, NOW_NS)
    assert running.take_due(NOW_NS + SECOND_NS) == []


def test_a_target_is_a_word() -> None:
    assert TARGET.text() == f"{ALICE}:BTCUSDT"
    assert Target.parse(TARGET.text()) == TARGET


def test_all_orders_of_the_target_are_canceled_and_whether_it_was_done_is_told() -> None:
    desk = Desk()
    desk.place(newClientOrderId="a")
    told: list[bool] = []
    desk.orders.cancel_at_end(TARGET, NOW_NS, told.append)
    [lost] = desk.submitted
    desk.submitted.clear()
    desk.orders.on_refused(lost.session_number, "the disk is full")
    assert told == [False]
    for _ in range(2):  # the second finds nothing, and that is done, too
        desk.orders.cancel_at_end(TARGET, NOW_NS, told.append)
        reports = desk.room.apply(desk.submitted.pop())
        desk.orders.on_record(desk.room.records[-1], reports)
    assert told == [False, True, True]
    assert not list(desk.room.orders.open_orders(ALICE))

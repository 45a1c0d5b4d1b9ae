"""A client that no longer renews its countdown has its orders canceled, by the real engine."""

import pytest

from gateway.json_api import requests as r
from tests.gateway.engine_room import ALICE
from tests.gateway.json_desk import NOW_NS, Desk
from vocabulary import commands as c


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_orders_are_canceled_when_a_countdown_is_not_renewed(desk: Desk) -> None:
    def renew(countdown_ms: int, now_ns: int) -> None:
        request = r.parse(
            {"symbol": "BTCUSDT", "countdownTime": countdown_ms, "timestamp": 1},
            r.CountdownCancelAll,
        )
        assert isinstance(request, r.CountdownCancelAll)
        desk.orders.set_countdown(ALICE, request, now_ns, desk.answers.append)
        told = {"symbol": "BTCUSDT", "countdownTime": str(countdown_ms)}
        assert desk.answers.pop() == told

    def left_at(now_ns: int) -> int:
        desk.orders.cancel_overdue(now_ns)
        for command in desk.submitted:
            reports = desk.room.apply(command)
            desk.orders.on_record(desk.room.records[-1], reports)
        desk.submitted.clear()
        return len(list(desk.room.orders.open_orders(ALICE)))

    second_ns = 1_000_000_000
    desk.submit(newClientOrderId="a")
    desk.run()
    renew(3_000, NOW_NS)
    assert left_at(NOW_NS + 2 * second_ns) == 1
    renew(3_000, NOW_NS + 2 * second_ns)
    assert left_at(NOW_NS + 4 * second_ns) == 1
    assert left_at(NOW_NS + 5 * second_ns) == 0
    desk.submit(newClientOrderId="b")
    desk.run()
    renew(3_000, NOW_NS)
    renew(0, NOW_NS)
    assert left_at(NOW_NS + 60 * second_ns) == 1


def test_a_countdown_that_ends_while_nothing_is_taken_is_tried_again(desk: Desk) -> None:
    desk.submit(newClientOrderId="a")
    desk.run()
    request = r.parse(
        {"symbol": "BTCUSDT", "countdownTime": 1, "timestamp": 1}, r.CountdownCancelAll
    )
    assert isinstance(request, r.CountdownCancelAll)
    desk.orders.set_countdown(ALICE, request, NOW_NS, lambda _told: None)
    later_ns = NOW_NS + 1_000_000
    desk.orders.cancel_overdue(later_ns)
    [lost] = desk.submitted
    desk.submitted.clear()
    desk.orders.on_refused(lost.session_number, "the disk is full")
    desk.orders.cancel_overdue(later_ns + 999_999_999)
    assert desk.submitted == []
    desk.orders.cancel_overdue(later_ns + 1_000_000_000)
    [again] = desk.submitted
    assert isinstance(again, c.CancelAllOrders)
    assert again.account_id == ALICE

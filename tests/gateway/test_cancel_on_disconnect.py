"""When a session's orders are canceled, by the clock of the test."""

import pytest

from gateway.cancel_on_disconnect import Scope, Terms, Watch
from tests.gateway.engine_room import ALICE, ALICE_SESSION, EngineRoom
from vocabulary.types import OrderFlags, Side

SECOND_NS = 10**9


class Canceled:
    """How often all of a session's orders were to be canceled, and all of its account's."""

    def __init__(self) -> None:
        self.sessions = 0
        self.accounts = 0

    def __call__(self, account_id: int, session_id: int, flags: OrderFlags) -> None:
        assert account_id == ALICE
        self.flags = flags
        assert session_id in (0, ALICE_SESSION)
        self.sessions += session_id != 0
        self.accounts += session_id == 0


def test_orders_go_once_when_the_grace_is_over_and_late_ones_when_they_are_seen() -> None:
    room, canceled = EngineRoom(), Canceled()
    watch = Watch(Terms(Scope.SESSION, 5_000), ALICE_SESSION, ALICE)
    room.enter(b"a1", Side.BUY, "0.1", "50000")
    watch.gone(room.orders, 0, canceled)
    watch.gone(room.orders, 5 * SECOND_NS - 1, canceled)
    assert canceled.sessions == 0
    watch.gone(room.orders, 5 * SECOND_NS, canceled)
    watch.gone(room.orders, 6 * SECOND_NS, canceled)
    assert canceled.sessions == 1
    room.enter(b"a2", Side.BUY, "0.1", "50000")
    watch.look_again()
    watch.gone(room.orders, 7 * SECOND_NS, canceled)
    assert canceled.sessions == 2


def test_who_was_back_has_the_whole_grace_again() -> None:
    room, canceled = EngineRoom(), Canceled()
    watch = Watch(Terms(Scope.SESSION, 5_000), ALICE_SESSION, ALICE)
    room.enter(b"a1", Side.BUY, "0.1", "50000")
    watch.gone(room.orders, 0, canceled)
    watch.back()
    watch.gone(room.orders, 6 * SECOND_NS, canceled)
    assert canceled.sessions == 0
    watch.gone(room.orders, 11 * SECOND_NS, canceled)
    assert canceled.sessions == 1


def test_an_account_is_canceled_whole_and_others_sessions_only_then() -> None:
    room, canceled = EngineRoom(), Canceled()
    room.enter(b"a1", Side.BUY, "0.1", "50000")
    Watch(Terms(Scope.SESSION, 0), ALICE_SESSION + 1, ALICE).gone(room.orders, 0, canceled)
    assert canceled.sessions == 0
    Watch(Terms(Scope.ACCOUNT, 0), ALICE_SESSION + 1, ALICE).gone(room.orders, 0, canceled)
    assert (canceled.sessions, canceled.accounts) == (0, 1)


def test_of_a_session_that_asked_for_nothing_orders_go_that_ask_for_it() -> None:
    room, canceled = EngineRoom(), Canceled()
    watch = Watch(Terms(Scope.ORDER, 5_000), ALICE_SESSION, ALICE)
    room.enter(b"a1", Side.BUY, "0.1", "50000")
    watch.gone(room.orders, 0, canceled)
    watch.gone(room.orders, 5 * SECOND_NS, canceled)
    assert canceled.sessions == 0
    room.enter(b"a2", Side.BUY, "0.1", "50000", flags=OrderFlags.CANCEL_WITH_SESSION)
    watch.look_again()
    watch.gone(room.orders, 6 * SECOND_NS, canceled)
    assert canceled.sessions == 1
    assert canceled.flags == OrderFlags.CANCEL_WITH_SESSION


def test_a_cancel_that_could_not_be_sent_is_tried_again() -> None:
    room, canceled = EngineRoom(), Canceled()
    watch = Watch(Terms(Scope.SESSION, 0), ALICE_SESSION, ALICE)
    room.enter(b"a1", Side.BUY, "0.1", "50000")

    def fail(account_id: int, session_id: int, flags: OrderFlags) -> None:
        raise ConnectionError(account_id, session_id, flags)

    with pytest.raises(ConnectionError):
        watch.gone(room.orders, 0, fail)
    watch.gone(room.orders, 1, canceled)
    assert canceled.sessions == 1


@pytest.mark.parametrize(
    "terms", [Terms(Scope.ORDER, 0), Terms(Scope.SESSION, 0), Terms(Scope.ACCOUNT, 60_000)]
)
def test_terms_are_read_as_they_were_written(terms: Terms) -> None:
    assert Terms.parse(terms.text()) == terms

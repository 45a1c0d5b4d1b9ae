from pathlib import Path

import pytest

from gateway.auth import Identity
from gateway.edge import stored_sessions
from gateway.edge.fix_disconnects import CANCEL_FILE
from gateway.edge.fix_service import NoSessionError
from gateway.edge.fix_sessions import FixSessions
from gateway.edge.stored_sessions import session_id_of
from gateway.fix.session import SessionSettings
from tests.gateway.engine_room import ALICE, EngineRoom
from vocabulary.commands import CancelAllOrders, Command
from vocabulary.types import OrderFlags, OrderType, Side, TimeInForce

NOW_NS = 1_700_000_000_000_000_000
STRANGE = [b"../../escape", b"a/b", b"\xff\x00\x01", b".", b"%2e", b"-", b"x" * 64]


class Nobody:
    """A matching process that is not asked."""

    connected = False
    room = 0

    def submit(self, command: Command) -> None:
        raise AssertionError(command)

    def submit_packed(self, session_id: int, commands: list[bytes]) -> None:
        raise AssertionError(commands)


class Submitted:
    """A matching process that only listens."""

    connected = True
    room = 1_000

    def __init__(self) -> None:
        self.commands: list[Command] = []

    def submit(self, command: Command) -> None:
        self.commands.append(command)

    def submit_packed(self, session_id: int, commands: list[bytes]) -> None:
        raise AssertionError(commands)


def open_sessions(
    directory: Path, room: EngineRoom | None = None, matching: Submitted | None = None
) -> FixSessions:
    room = room or EngineRoom()
    sessions = FixSessions(
        directory,
        SessionSettings(b"AGIO"),
        order_entry=room.order_entry,
        orders=room.orders,
        matching=matching or Nobody(),
        rate_per_s=1,
    )
    sessions.open_known(NOW_NS)
    return sessions


def test_every_comp_id_has_its_own_files_and_is_found_again(tmp_path: Path) -> None:
    sessions = open_sessions(tmp_path)
    for number, comp_id in enumerate(STRANGE, start=5):
        sessions.open(Identity(7, comp_id), NOW_NS).store.set_next_target(number)
    sessions.close()
    assert len(list((tmp_path / "order_entry").iterdir())) == len(STRANGE)
    assert [path.name for path in tmp_path.iterdir()] == ["order_entry"]

    again = open_sessions(tmp_path)
    assert len(again) == len(STRANGE)
    for number, comp_id in enumerate(STRANGE, start=5):
        assert again.open(Identity(7, comp_id), NOW_NS).store.next_target_msg_seq_num == number
    assert len(again) == len(STRANGE)
    again.close()


def test_an_order_that_is_accepted_after_its_session_is_gone_is_canceled(tmp_path: Path) -> None:
    room, submitted = EngineRoom(), Submitted()
    first = open_sessions(tmp_path)
    flow = first.open(Identity(ALICE, b"DESK"), NOW_NS)
    (tmp_path / "order_entry" / f"{ALICE}-DESK" / CANCEL_FILE).write_text("S 0")
    first.close()

    sessions = open_sessions(tmp_path, room, submitted)
    sessions.tick(NOW_NS)
    assert submitted.commands == []
    order = room.order_entry.enter_order(
        flow.session_id,
        1 << 32 | 2,
        ALICE,
        symbol="BTCUSDT",
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        time_in_force=TimeInForce.GOOD_TILL_CANCEL,
        flags=OrderFlags.NONE,
        price="50000",
        quantity="0.1",
        client_order_id=b"late",
    )
    reports = room.apply(order)
    sessions.routes.on_record(room.records[-1], reports, NOW_NS)
    sessions.tick(NOW_NS)
    sessions.tick(NOW_NS)
    [cancel] = submitted.commands
    assert isinstance(cancel, CancelAllOrders)
    assert (cancel.account_id, cancel.entered_by) == (ALICE, flow.session_id)
    sessions.close()


def test_a_session_s_number_never_changes() -> None:
    # It stands in the journal: another one would make every resent order a new one.
    assert session_id_of(Identity(1, b"DESK"), "order_entry") == 0x0822897CE6580479
    assert session_id_of(Identity(1, b"DESK"), "order_entry") != session_id_of(
        Identity(2, b"DESK"), "order_entry"
    )
    assert 0 < session_id_of(Identity(2**31, b"x" * 64), "order_entry") < 2**63


def test_sessions_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_sessions, "SESSIONS_MAX", 2)
    sessions = open_sessions(tmp_path)
    sessions.open(Identity(1, b"A"), NOW_NS)
    sessions.open(Identity(2, b"A"), NOW_NS)
    assert sessions.open(Identity(1, b"A"), NOW_NS).identity == Identity(1, b"A")
    for comp_id in (b"B", b"", b"x" * 65):
        with pytest.raises(NoSessionError):
            sessions.open(Identity(1, comp_id), NOW_NS)
    sessions.close()

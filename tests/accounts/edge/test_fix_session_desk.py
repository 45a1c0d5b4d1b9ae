"""FIX sessions at the ops HTTP: what the desk says of them, and what gateways hear."""

import time
from typing import Any

import asyncpg
import pytest

from accounts.edge.fix_session_store import FixSessionStore
from tests.accounts.edge.desk_client import SERVICE_TOKEN, Answer, DeskClient

SESSION = "/fix-sessions/order_entry/1/DESK"
LIVE = ["order_entry", 1, "DESK", "in_session", "10.0.0.7", 7, 5, 1_700_000_000_000]


async def ask(desk: DeskClient, since: int = 0, *standings: object, name: str = "gw1") -> Any:
    """Ask as a gateway does; return what it is told."""
    body = {"since": since, "standings": list(standings)}
    path = f"/internal/fix-gateways/{name}"
    answer = await desk.post(path, body, token=SERVICE_TOKEN)
    assert answer.status == 200, answer
    return answer.body


async def make(desk: DeskClient, **settings: object) -> Answer:
    body = {"account_id": 1, "sender_comp_id": "DESK"} | settings
    return await desk.post("/fix-sessions", body)


async def test_a_session_is_made_changed_and_told_to_gateways(desk: DeskClient) -> None:
    first = await ask(desk)
    assert (first["version"], first["sessions"]) == (0, [])
    made = await make(desk, heartbeat_min_s=5, addresses=["10.0.0.0/8"], reset_time="22:00")
    assert (made.status, made.body["made"], made.body["pending"]) == (201, True, ["gw1"])
    assert (await make(desk)).code == "session_exists"

    told = await ask(desk)
    assert told["version"] == 1  # no gateway ever saw it without its settings
    [rule] = told["sessions"]
    assert (rule["sender_comp_id"], rule["heartbeat_min_s"]) == ("DESK", 5)
    assert (rule["addresses"], rule["reset_time"]) == (["10.0.0.0/8"], "22:00")
    assert abs(rule["reset_time_set_ns"] - time.time_ns()) < 60_000_000_000
    assert (await ask(desk, told["version"]))["sessions"] == []
    assert (await desk.get(SESSION)).body["pending"] == []

    await desk.post(SESSION, {"heartbeat_max_s": 30})
    [rule] = (await ask(desk, told["version"]))["sessions"]
    assert (rule["heartbeat_min_s"], rule["heartbeat_max_s"]) == (5, 30)


async def test_disable_enable_reset_and_logout_are_told_and_audited(
    desk: DeskClient, postgres_url: str
) -> None:
    await make(desk)
    before_ns = time.time_ns()
    disabled = await desk.post(f"{SESSION}/disable", {"reason": "margin call"})
    assert disabled.body["disabled"] == "margin call"
    assert (await ask(desk))["sessions"][0]["disabled"] == "margin call"
    assert (await desk.post(f"{SESSION}/enable")).body["disabled"] == ""
    await desk.post(f"{SESSION}/reset")
    await desk.post(f"{SESSION}/logout")
    [rule] = (await ask(desk))["sessions"]
    assert rule["disabled"] == ""
    assert before_ns <= rule["reset_after_ns"] <= rule["logout_after_ns"] <= time.time_ns()

    connection = await asyncpg.connect(postgres_url)
    rows = await connection.fetch("SELECT action, target FROM audit WHERE action LIKE '%fix%'")
    await connection.close()
    assert [tuple(row) for row in rows] == [
        ("make_fix_session", "/fix-sessions"),
        ("disable_fix_session", f"{SESSION}/disable"),
        ("enable_fix_session", f"{SESSION}/enable"),
        ("reset_fix_session", f"{SESSION}/reset"),
        ("log_out_fix_session", f"{SESSION}/logout"),
    ]


async def test_a_session_that_came_by_a_logon_is_listed_and_may_be_changed(
    desk: DeskClient,
) -> None:
    assert (await desk.post(f"{SESSION}/reset")).code == "unknown_session"
    assert (await desk.get(SESSION)).code == "unknown_session"
    await ask(desk, 0, LIVE)
    [listed] = (await desk.get("/fix-sessions?account_id=1&service=order_entry")).body[
        "fix_sessions"
    ]
    assert (listed["sender_comp_id"], listed["made"]) == ("DESK", False)
    assert listed["standings"] == [
        {
            "gateway": "gw1",
            "state": "in_session",
            "address": "10.0.0.7",
            "next_sender_msg_seq_num": 7,
            "next_target_msg_seq_num": 5,
            "last_received_ms": 1_700_000_000_000,
            "applied": True,
        }
    ]
    assert (await desk.get("/fix-sessions?account_id=2")).body["fix_sessions"] == []
    assert (await desk.get("/fix-sessions?service=drop_copy")).body["fix_sessions"] == []
    changed = await desk.post(f"{SESSION}/disable", {})
    assert (changed.body["made"], changed.body["disabled"]) == (True, "by the venue")
    assert changed.body["standings"][0]["applied"] is False


async def test_each_gateway_is_told_for_itself_and_what_it_lacks(desk: DeskClient) -> None:
    await make(desk)
    await ask(desk, 0, LIVE)
    version = (await ask(desk, 0, [*LIVE[:3], "away", "", 1, 1, 0], name="gw2"))["version"]
    await ask(desk, version)
    shown = (await desk.get(SESSION)).body
    assert {standing["gateway"]: standing["state"] for standing in shown["standings"]} == {
        "gw1": "in_session",
        "gw2": "away",
    }
    assert shown["pending"] == ["gw2"]
    assert [standing["applied"] for standing in shown["standings"]] == [True, False]


async def test_a_change_made_while_a_gateway_asks_is_told_to_it_next(
    desk: DeskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(desk)
    version = (await ask(desk))["version"]
    ask_version = FixSessionStore.version

    async def change_first(store: FixSessionStore) -> int:
        await store.change(("order_entry", 1, "DESK"), {"disabled": "margin call"})
        return await ask_version(store)

    monkeypatch.setattr(FixSessionStore, "version", change_first)
    heard = await ask(desk, version)
    assert heard["sessions"] == []
    monkeypatch.undo()
    [rule] = (await ask(desk, heard["version"]))["sessions"]
    assert rule["disabled"] == "margin call"


async def test_a_gateway_ahead_of_a_restored_database_is_told_so(desk: DeskClient) -> None:
    await make(desk)
    version = (await ask(desk))["version"]
    assert (await ask(desk, version + 7))["version"] == version


async def test_what_only_order_entry_has_is_refused_elsewhere(desk: DeskClient) -> None:
    for settings in ({"orders_per_s": 5}, {"cancel_on_disconnect": "Y"}, {"cancel_grace_ms": 1}):
        refused = await make(desk, service="drop_copy", **settings)
        assert (refused.status, refused.code) == (422, "not_of_this_service")
    made = await make(desk, service="drop_copy", copied_accounts=[1])
    assert (made.status, made.body["copied_accounts"]) == (201, [1])
    [rule] = (await ask(desk))["sessions"]
    assert (rule["copied_accounts"], rule["copied_accounts_set_ns"] > 0) == ([1], True)
    unknown = await desk.post("/fix-sessions/drop_copy/1/DESK", {"copied_accounts": [1, 99]})
    assert (unknown.status, unknown.code) == (404, "unknown_account")
    await make(desk, heartbeat_max_s=10)
    refused = await desk.post(SESSION, {"heartbeat_min_s": 11})
    assert (refused.status, refused.body["error"]["field"]) == (422, "heartbeat_min_s")


async def test_maintenance_is_announced_once_told_to_gateways_and_ended(desk: DeskClient) -> None:
    assert (await ask(desk))["maintenance"] is None
    announced = await desk.post("/maintenance", {"in_s": 600, "text": "new release"})
    assert announced.status == 201
    assert (await ask(desk))["maintenance"] == announced.body["maintenance"]
    assert announced.body["maintenance"]["text"] == "new release"
    again = await desk.post("/maintenance", {"in_s": 60, "text": "another"})
    assert (again.status, again.code) == (409, "maintenance_announced")
    assert (await desk.get("/maintenance")).body == announced.body
    assert (await desk.delete("/maintenance")).body == {"maintenance": None}
    assert (await ask(desk))["maintenance"] is None
    assert (await desk.post("/maintenance", {"in_s": 0, "text": "now"})).status == 201

"""The whole accounts service while what it depends on is away, slow or not what it was."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from accounts.edge import engine_desk, ops_desk
from accounts.keys import SealError
from agio.embedded_postgres import EmbeddedPostgres
from matching.edge.server import MatchingServer
from tests.accounts.edge.desk_client import (
    SERVICE_TOKEN,
    DeskClient,
    list_and_open_accounts,
    open_desk,
)
from vocabulary.types import INT64_MAX

CREDIT = {"asset": "USDT", "amount": "5"}


async def test_health_tells_how_settlement_stands(desk: DeskClient) -> None:
    await desk.post("/accounts/1/credits", CREDIT)
    sequence = (await desk.get("/trial-balance")).body["settled_sequence"]
    health = (await desk.get("/health", token=None)).body
    assert health == {
        "ready": True,
        "failed": False,
        "settled_sequence": sequence,
        "head_sequence": sequence,
        "lag": 0,
        "trades_settled": 0,
        "engine_connected": True,
        "error": "",
        "reconciled_sequence": sequence,
        "agrees": True,
    }


async def test_accounts_keys_and_listings_outlive_a_restart(
    matching: MatchingServer, postgres_url: str
) -> None:
    async with open_desk(matching.address, postgres_url) as desk:
        await desk.until_ready()
        await list_and_open_accounts(desk)
        key = (await desk.post("/keys", {"account": "bob"})).body
        await desk.post("/instruments/BTCUSDT/halt")
        assert (await desk.get("/trial-balance")).body["agrees"]
    async with open_desk(matching.address, postgres_url) as desk:
        await desk.until_ready()
        (listed,) = (await desk.get("/instruments")).body["instruments"]
        assert (listed["symbol"], listed["phase"]) == ("BTCUSDT", "halted")
        path = f"/internal/credentials/{key['api_key']}"
        assert (await desk.get(path, token=SERVICE_TOKEN)).body["secret"] == key["secret"]
        assert (await desk.post("/accounts/2/credits", CREDIT)).status == 201
        assert (await desk.post("/assets", {"name": "ETH", "scale": 8})).body["asset_id"] == 3


async def test_other_master_key_is_refused_at_start(
    matching: MatchingServer, postgres_url: str
) -> None:
    """F24: not at the first logon that needs it."""
    async with open_desk(matching.address, postgres_url) as desk:
        await desk.post("/accounts", {"name": "alice"})
        await desk.post("/keys", {"account": "alice"})
    with pytest.raises(SealError):
        async with open_desk(matching.address, postgres_url, master_key=bytes(32)):
            pass


async def test_without_the_engine_people_are_served_and_commands_are_not_sent(
    postgres_url: str, tmp_path: Path
) -> None:
    server = MatchingServer(
        journal_directory=tmp_path / "journal", address=f"unix://{tmp_path}/matching", mode="os"
    )
    async with open_desk(f"unix://{tmp_path}/matching", postgres_url) as desk:
        assert (await desk.post("/accounts", {"name": "alice"})).status == 201
        asset = {"name": "USDT", "scale": 6}
        answer = await desk.post("/assets", asset)
        assert (answer.status, answer.code) == (503, "engine_unavailable")
        assert not desk.service.health()["ready"]

        await server.start()
        await desk.until_ready()
        assert (await desk.get("/trial-balance")).body["settled_sequence"] == 0, "nothing was sent"
        assert (await desk.post("/assets", asset)).status == 201
    await server.stop()


async def test_timeout_says_unknown_and_the_command_may_have_been_executed(
    desk: DeskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_desk, "ANSWER_TIMEOUT_S", 0)
    answer = await desk.post("/accounts/1/credits", CREDIT)
    assert (answer.status, answer.code) == (504, "unknown")
    monkeypatch.undo()
    answer = await desk.post("/accounts/1/credits", CREDIT)
    assert answer.body["available"] == "10.000000"


async def test_without_postgres_the_desk_still_halts_and_credits_wait(
    matching: MatchingServer, own_postgres: EmbeddedPostgres
) -> None:
    async with open_desk(matching.address, own_postgres.url()) as desk:
        await desk.until_ready()
        await list_and_open_accounts(desk)
        assert (await desk.get("/trial-balance")).body["agrees"]
        own_postgres.stop()
        for method, path, body in (
            ("GET", "/accounts", None),
            ("POST", "/accounts", {"name": "carol"}),
            ("POST", "/accounts/1/credits", CREDIT),
        ):
            answer = await desk.request(method, path, json=body)
            # A session that the server ended tells no more than "unknown", and once only.
            assert (answer.status, answer.code) in {
                (503, "database_unavailable"),
                (504, "unknown"),
            }
        assert (await desk.post("/instruments/BTCUSDT/halt")).body["phase"] == "halted"
        health = (await desk.get("/health")).body
        while health["ready"]:  # until the next comparison finds the connection gone
            await asyncio.sleep(0.01)
            health = (await desk.get("/health")).body
        assert health["lag"] is None
        assert "onnection" in health["error"]

        own_postgres.start()
        await desk.until_ready()
        assert (await desk.post("/accounts/1/credits", CREDIT)).body["available"] == "5.000000"
        assert (await desk.get("/trial-balance")).body["agrees"]


async def test_database_lost_amid_a_change_says_unknown(
    desk: DeskClient, postgres_url: str
) -> None:
    other = await asyncpg.connect(postgres_url)
    async with other.transaction():
        await other.execute("LOCK TABLE accounts")
        asked = asyncio.create_task(desk.post("/accounts", {"name": "carol"}))
        killed = 0
        while not killed:
            killed = await other.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE application_name = 'agio ops' AND wait_event_type = 'Lock'"
            )
        answer = await asked
    assert (answer.status, answer.code) == (504, "unknown")
    assert (await desk.post("/accounts", {"name": "carol"})).status == 201
    rows = await other.fetch("SELECT action, result FROM audit ORDER BY audit_id DESC LIMIT 2")
    assert [tuple(row) for row in rows] == [
        ("create_account", "201"),
        ("create_account", "504 unknown"),
    ]
    await other.close()


async def test_a_fault_amid_a_change_says_unknown_and_is_audited(
    desk: DeskClient, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(ops_desk, "AccountReply", fail)
    answer = await desk.post("/accounts", {"name": "carol"})
    assert (answer.status, answer.code) == (500, "unknown")
    connection = await asyncpg.connect(postgres_url)
    row = await connection.fetchrow("SELECT action, result FROM audit ORDER BY audit_id DESC")
    assert row is not None
    assert tuple(row) == ("create_account", "500 unknown")
    await connection.close()


async def test_slow_database_transaction_of_the_desk_does_not_delay_settlement(
    desk: DeskClient, postgres_url: str
) -> None:
    other = await asyncpg.connect(postgres_url)
    async with other.transaction():
        await other.execute("LOCK TABLE api_keys")
        waiting = asyncio.create_task(desk.post("/keys", {"account_id": 1}))
        assert (await desk.post("/accounts/1/credits", CREDIT)).status == 201
        assert (await desk.get("/trial-balance")).body["agrees"]
        assert not waiting.done()
    assert (await waiting).status == 201
    await other.close()


async def test_accounts_opened_at_once_get_different_numbers(desk: DeskClient) -> None:
    answers = await asyncio.gather(
        *(desk.post("/accounts", {"name": f"trader-{number}"}) for number in range(30))
    )
    assert [answer.status for answer in answers] == [201] * 30
    assert sorted(answer.body["account_id"] for answer in answers) == list(range(3, 33))


async def test_one_name_opened_many_times_at_once_is_one_account(desk: DeskClient) -> None:
    answers = await asyncio.gather(*(desk.post("/accounts", {"name": "carol"}) for _ in range(10)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 9


async def test_new_account_never_inherits_the_funds_of_a_lost_one(
    desk: DeskClient, postgres_url: str
) -> None:
    """F31: the ledger can be made anew from the journal, names can not."""
    await desk.post("/accounts/2/credits", CREDIT)
    assert (await desk.get("/trial-balance")).body["agrees"]
    connection = await asyncpg.connect(postgres_url)
    await connection.execute("DELETE FROM accounts WHERE account_id > 0")
    await connection.close()
    assert (await desk.post("/accounts", {"name": "mallory"})).body["account_id"] == 3


async def test_credits_of_all_there_can_be_still_settle(desk: DeskClient) -> None:
    most = {"asset": "USDT", "amount": f"{INT64_MAX // 10**6}.{INT64_MAX % 10**6:06}"}
    assert (await desk.post("/accounts/1/credits", most)).status == 201
    balances = await desk.get("/trial-balance")
    assert balances.body["agrees"]
    assert balances.body["assets"][0]["custody"] == "-" + most["amount"]

"""What a service has backed up, restored: state, ledger, desk and files, or a refusal by name."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from accounts.edge.schema import migrate
from agio.backup import retention
from agio.backup.contents import DESK, FILES, LEDGER, SNAPSHOT, Copy, read_contents
from agio.backup.file_copy import FileCopy
from agio.backup.restore import Restored, RestoreRefusedError, restore
from agio.backup.restore_journal import recover
from agio.backup.restore_ledger import LedgerRefusedError, settle_behind
from agio.backup.service import BackupService, Intervals
from agio.backup.verification import verify_backup
from agio.embedded_postgres import EmbeddedPostgres
from matching.edge.snapshot_maker import make_snapshot
from matching.journal_spans import SpanMissingError
from objects.encrypted import EncryptedStore, FileDamagedError, open_encrypted
from objects.store import open_store
from tests.conftest import execute
from tests.matching.edge.test_recovery import extend

SECRET = bytes(32)
TABLES = (
    "entries",
    "trades",
    "balances",
    "accounts",
    "api_keys",
    "audit",
    "fix_sessions",
    "maintenances",
    "instruments",
    "settled",
)
FIX_FILE = "gateway/fix/orders/1-FIRM/sent_messages.log"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a venue's data: 200 records with a snapshot, a FIX session, logs."""
    data = tmp_path / "data"
    (data / FIX_FILE).parent.mkdir(parents=True)
    (data / FIX_FILE).write_bytes(b"8=FIX.4.4" * 200_000)
    (data / "logs").mkdir()
    (data / "logs" / "matching.log.1").write_text('{"event": "started"}\n')
    extend(data / "journal", 200)
    make_snapshot(data / "journal")
    return data


@pytest.fixture
def restored_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    execute(postgres_server, "CREATE DATABASE restored")
    yield postgres_server.url("restored")
    execute(postgres_server, "DROP DATABASE restored WITH (FORCE)")


def opened(url: str) -> EncryptedStore:
    return open_encrypted(open_store(url), SECRET)


def settle(data: Path, postgres_url: str, until: int) -> None:
    """Bring the ledger to where the journal ends, as settlement does."""
    recovered = recover(data / "journal", until, lambda _: None)
    asyncio.run(migrate(postgres_url))
    balance = asyncio.run(settle_behind(postgres_url, recovered, lambda _: None))
    assert balance.agrees


def ask(postgres_url: str, statement: str) -> list[asyncpg.Record]:
    async def fetch() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(postgres_url)
        rows: list[asyncpg.Record] = await connection.fetch(statement)
        await connection.close()
        return rows

    return asyncio.run(fetch())


def tables(postgres_url: str) -> dict[str, list[tuple[object, ...]]]:
    return {
        name: sorted(map(tuple, ask(postgres_url, f"TABLE {name}")), key=str) for name in TABLES
    }


def back_up(
    data: Path, postgres_url: str, url: str, meanwhile: Callable[[], object] = bool
) -> None:
    """Run the service until it has everything; then `meanwhile`, and stop."""

    async def run() -> None:
        service = make_service(data, postgres_url, url)
        await service.start()
        async with asyncio.timeout(20):
            while not (service.health()["ready"] and ledger_is_copied(url)):
                await asyncio.sleep(0.02)
            await asyncio.to_thread(meanwhile)
        await service.stop()
        assert service.health()["errors"] == {}

    asyncio.run(run())


def make_service(data: Path, postgres_url: str, url: str) -> BackupService:
    return BackupService(
        data=data,
        url=url,
        secret=SECRET,
        postgres_url=postgres_url,
        intervals=Intervals(journal_s=0.02, ledger_s=3_600, keep_s=86_400),
        texts={"configuration.toml": 'comp_id = "AGIO"\n'},
    )


def ledger_is_copied(url: str) -> bool:
    return bool(opened(url).files(f"{LEDGER}/"))


def bring_back(
    url: str, data: Path, postgres_url: str | None, until: int | None = None
) -> Restored:
    return restore(
        opened(url),
        data,
        gateways={},
        until=until,
        open_postgres=(lambda _: postgres_url) if postgres_url is not None else None,
        on_progress=lambda _: None,
    )


def test_ledger_desk_and_files_come_back(
    data: Path, store_url: str, postgres_url: str, restored_url: str, tmp_path: Path
) -> None:
    settle(data, postgres_url, 200)

    def go_on() -> None:
        # Behind the ledger's copy: the desk's doings, trades, and the end of a session's file.
        ask(postgres_url, "INSERT INTO accounts (account_id, name) VALUES (1, 'ada'), (2, 'bob')")
        ask(postgres_url, "INSERT INTO audit VALUES (DEFAULT, now(), 'ops', 'POST', '/a', '201')")
        with (data / FIX_FILE).open("ab") as file:
            file.write(b"10=123")
        extend(data / "journal", 400)

    back_up(data, postgres_url, store_url, go_on)
    contents = read_contents(opened(store_url))
    assert [copy.sequence for copy in contents.copies[LEDGER]] == [200]
    settle(data, postgres_url, 400)

    restored = bring_back(store_url, tmp_path / "new", restored_url)
    state_hash = recover(data / "journal", 400, lambda _: None).engine.state_hash()
    assert restored[:3] == (400, state_hash, 200)
    assert restored.trial_balance is not None
    assert restored.trial_balance.sequence == 400
    assert tables(restored_url) == tables(postgres_url)
    assert (tmp_path / "new" / FIX_FILE).read_bytes() == (data / FIX_FILE).read_bytes()
    assert (tmp_path / "new" / "configuration.toml").read_text() == 'comp_id = "AGIO"\n'
    assert {path.name for path in (tmp_path / "new").iterdir()} == {
        "configuration.toml",
        "gateway",
        "journal",
    }
    # The audit goes on behind its last number, and is as append-only as before.
    [added] = ask(
        restored_url,
        "INSERT INTO audit VALUES (DEFAULT, now(), 'ops', 'POST', '/b', '201') RETURNING audit_id",
    )
    assert added["audit_id"] == 2
    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        ask(restored_url, "DELETE FROM entries")


def test_a_restore_to_an_earlier_sequence(
    data: Path, store_url: str, postgres_url: str, restored_url: str, tmp_path: Path
) -> None:
    settle(data, postgres_url, 200)
    back_up(data, postgres_url, store_url, lambda: extend(data / "journal", 400))
    for wrong in (0, 401):
        with pytest.raises(RestoreRefusedError, match=f"from sequence 1 to 400, not to {wrong}"):
            bring_back(store_url, tmp_path / "new", None, wrong)
    with pytest.raises(LedgerRefusedError, match="oldest copy of the ledger is as of sequence 200"):
        bring_back(store_url, tmp_path / "new", restored_url, 199)
    restored = bring_back(store_url, tmp_path / "new", restored_url, 301)  # begins anew
    assert restored.last_sequence == 301
    assert restored.trial_balance is not None
    assert ask(restored_url, "SELECT * FROM settled")[0]["settled_sequence"] == 301
    left_alone = bring_back(store_url, tmp_path / "journal-alone", None, 7)
    assert (left_alone.last_sequence, left_alone.trial_balance) == (7, None)


def test_what_is_not_empty_is_refused(
    data: Path, store_url: str, postgres_url: str, tmp_path: Path
) -> None:
    settle(data, postgres_url, 200)
    back_up(data, postgres_url, store_url)
    with pytest.raises(RestoreRefusedError, match="not empty: there is gateway, journal, logs"):
        bring_back(store_url, data, None)
    (tmp_path / "new" / "secrets").mkdir(parents=True)
    with pytest.raises(LedgerRefusedError, match="the database is not empty"):
        bring_back(store_url, tmp_path / "new", postgres_url)
    assert bring_back(store_url, tmp_path / "new", None).last_sequence == 200


@pytest.mark.parametrize("kind", [SNAPSHOT, LEDGER, DESK, FILES, "chunks", "journal"])
def test_what_is_damaged_is_named(
    data: Path, tmp_path: Path, postgres_url: str, restored_url: str, kind: str
) -> None:
    url = (tmp_path / "store").as_uri()
    settle(data, postgres_url, 200)
    back_up(data, postgres_url, url)
    store = open_store(url)
    assert verify_backup(opened(url), lambda _: None).problems == []
    for key in store.keys(f"{kind}/"):
        stored = store.get(key)
        assert stored is not None
        store.put(key, stored.data[:-1] + bytes([stored.data[-1] ^ 1]))
        problems = verify_backup(opened(url), lambda _: None).problems
        assert any(problem.startswith(f"{key} is damaged") for problem in problems)
    with pytest.raises(FileDamagedError, match=f"{kind}/.* is damaged"):
        bring_back(url, tmp_path / "new", restored_url)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["restoring"]


def test_what_is_missing_is_named(data: Path, tmp_path: Path, postgres_url: str) -> None:
    url = (tmp_path / "store").as_uri()
    settle(data, postgres_url, 200)
    back_up(data, postgres_url, url)
    store = opened(url)
    store.delete(min(store.files("chunks/")))
    with pytest.raises(FileDamagedError, match=r"chunks/.* is missing"):
        bring_back(url, tmp_path / "new", None)
    # A journal that ends early does not go with what was taken later.
    store.delete(max(store.files("journal/")))
    with pytest.raises(SpanMissingError, match=r"from sequence \d+ on are missing"):
        bring_back(url, tmp_path / "new", None)
    assert len(verify_backup(store, lambda _: None).problems) >= 1


def test_a_store_that_is_away_is_caught_up_with(
    data: Path, tmp_path: Path, postgres_url: str
) -> None:
    url = (tmp_path / "store").as_uri()
    settle(data, postgres_url, 200)

    def outage() -> None:
        (tmp_path / "store").rename(tmp_path / "away")
        (tmp_path / "store").write_bytes(b"")
        extend(data / "journal", 300)
        (tmp_path / "store").unlink()
        (tmp_path / "away").rename(tmp_path / "store")

    back_up(data, postgres_url, url, outage)
    assert read_contents(opened(url)).last_sequence == 300


def test_nothing_is_there_before_its_journal(data: Path, tmp_path: Path, postgres_url: str) -> None:
    url = (tmp_path / "store").as_uri()
    settle(data, postgres_url, 200)
    in_the_way = tmp_path / "store" / "journal"
    in_the_way.parent.mkdir()
    in_the_way.touch()

    async def run() -> None:
        service = make_service(data, postgres_url, url)
        await service.start()
        await asyncio.sleep(1)  # a ledger's copy takes a tenth of it
        assert list(service.health()["errors"]) == ["journal"]  # type: ignore[call-overload]
        told = [opened(url).files(f"{kind}/") for kind in (SNAPSHOT, LEDGER, FILES)]
        assert told == [{}, {}, {}]
        in_the_way.unlink()
        async with asyncio.timeout(20):
            while not (service.health()["ready"] and ledger_is_copied(url)):
                await asyncio.sleep(0.02)
        await service.stop()

    asyncio.run(run())
    assert read_contents(opened(url)).last_sequence == 200


@pytest.mark.parametrize("error", [OSError("I/O error"), ValueError("nobody foresaw it")])
def test_a_failed_attempt_is_told_and_made_again(
    data: Path, tmp_path: Path, postgres_url: str, error: Exception
) -> None:
    url = (tmp_path / "store").as_uri()
    settle(data, postgres_url, 200)

    def fail(_: FileCopy) -> bytes:
        raise error

    async def run() -> None:
        service = make_service(data, postgres_url, url)
        with pytest.MonkeyPatch.context() as broken:
            broken.setattr(FileCopy, "put_chunks", fail)
            await service.start()
            async with asyncio.timeout(20):
                while service.health()["errors"] != {"others": f"{type(error).__name__}: {error}"}:
                    await asyncio.sleep(0.02)
        async with asyncio.timeout(20):
            while not (service.health()["ready"] and opened(url).files(f"{FILES}/")):
                await asyncio.sleep(0.02)
        await service.stop()

    asyncio.run(run())


def test_retention_leaves_what_a_restore_needs(
    data: Path, postgres_url: str, restored_url: str, tmp_path: Path
) -> None:
    url = (tmp_path / "store").as_uri()
    settle(data, postgres_url, 200)
    back_up(data, postgres_url, url)
    store = opened(url)
    contents = read_contents(store)
    kinds = (SNAPSHOT, LEDGER, DESK, FILES)
    for newest in (contents.copies[kind][-1] for kind in kinds):
        pieces = list(store.read(newest.name, 1))
        for days in range(1, 40):
            older_ms = newest.taken_ms - days * retention.DAY_MS
            store.put(Copy(newest.kind, newest.sequence - days, older_ms).name, pieces)
    store.put("chunks/unused", [b""])
    now_ms = contents.copies[FILES][-1].taken_ms

    before_ms = now_ms - 30 * retention.DAY_MS
    retention.delete_old(store, before_ms)
    kept = read_contents(store).copies
    assert all(30 <= len(kept[kind]) <= 32 for kind in kinds)
    assert all(copy.taken_ms >= before_ms for kind in kinds for copy in kept[kind])
    assert "chunks/unused" not in store.files("chunks/")

    retention.delete_old(store, now_ms + retention.DAY_MS)
    kept = read_contents(store).copies
    assert [len(kept[kind]) for kind in kinds] == [2, 2, 2, 20]
    assert all(kept[kind][-1] == contents.copies[kind][-1] for kind in kinds)
    assert read_contents(store).spans == contents.spans
    assert bring_back(url, tmp_path / "new", restored_url).last_sequence == 200
    assert (tmp_path / "new" / FIX_FILE).read_bytes() == (data / FIX_FILE).read_bytes()

"""FIX sessions of two gateways with volumes of their own: backed up, lost, and going on."""

import asyncio
import base64
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from agio.__main__ import main
from agio.backup.contents import FILES, Copy
from agio.backup.file_copy import FileCopy
from agio.backup.gateway_stores import gateway_names, gateway_url, newest_list
from agio.backup.journal_copy import JournalCopy
from agio.backup.restore import RestoreRefusedError, restore, restore_gateway
from agio.backup.retention import delete_old
from agio.backup.service import Intervals
from agio.backup.sessions_service import SessionsBackup
from agio.backup.verification import verify_all
from gateway.edge.gateway import Gateway
from objects.encrypted import EncryptedStore, open_encrypted
from objects.store import open_store
from tests.gateway.edge.small_venue import SmallVenue, small_venue
from tests.gateway.engine_room import ALICE
from tests.gateway.fix_client import FixClient

SECRET = bytes(32)
NAMES = ("fix-0", "fix-1")
KEYS = ("alice", "bob")
DAY_MS = 86_400_000


class Cluster:
    """A venue, two gateways with volumes of their own, and the venue's backup at `url`."""

    def __init__(self, venue: SmallVenue, directory: Path, url: str) -> None:
        self.venue = venue
        self.directory = directory
        self.url = url
        self.store = open_encrypted(open_store(url), SECRET, create=True)
        self.journal = JournalCopy(directory / "venue" / "journal", self.store)
        self.journal.begin()

    def volume(self, name: str) -> Path:
        return self.directory / name

    def gateways(self) -> dict[str, EncryptedStore]:
        return {
            name: open_encrypted(open_store(gateway_url(self.url, name)), SECRET)
            for name in gateway_names(self.url)
        }

    @asynccontextmanager
    async def gateway(self, name: str) -> AsyncIterator[Gateway]:
        gateway = self.venue.make_gateway(data_directory=self.volume(name) / "gateway")
        await gateway.start()
        yield gateway
        await gateway.stop()

    @asynccontextmanager
    async def backup(self, name: str) -> AsyncIterator[SessionsBackup]:
        service = SessionsBackup(
            data=self.volume(name),
            url=self.url,
            name=name,
            secret=SECRET,
            matching_address=self.venue.matching_address,
            intervals=Intervals(journal_s=0.02, ledger_s=3_600, keep_s=86_400),
        )
        await service.start()
        yield service
        await service.stop()
        assert service.health()["ready"], service.health()

    async def ship_journal(self) -> int:
        await asyncio.to_thread(self.journal.ship)
        return self.journal.last_sequence


@asynccontextmanager
async def cluster(tmp_path: Path, redis_url: str, store_url: str) -> AsyncIterator[Cluster]:
    async with small_venue(tmp_path / "venue", redis_url) as venue:
        yield Cluster(venue, tmp_path, store_url)


async def log_on(gateway: Gateway, key: str, next_number: int = 1) -> tuple[FixClient, int]:
    """Return a client, and the MsgSeqNum(34) of the venue's answer."""
    client = await FixClient.connect(gateway.fix.order_entry.port)
    client.next_number = next_number
    answer = await client.log_on(key, f"secret-of-{key}")
    assert answer[35] == "A", answer
    return client, int(answer[34])


async def trade(
    gateway: Gateway, key: str, orders: int, next_number: int = 1, prefix: str = ""
) -> FixClient:
    client, _ = await log_on(gateway, key, next_number)
    for number in range(client.next_number, client.next_number + orders):
        client.enter(f"{prefix}{key}-{number}", "buy", "0.001", "50000")
        assert (await client.expect("8"))[11] == f"{prefix}{key}-{number}"
    await client.close()
    return client


@pytest.mark.parametrize("error", [OSError("I/O error"), ValueError("nobody foresaw it")])
async def test_a_failed_attempt_is_told_and_made_again(
    tmp_path: Path, redis_url: str, store_url: str, error: Exception
) -> None:
    def fail(_: FileCopy) -> bytes:
        raise error

    async with cluster(tmp_path, redis_url, store_url) as venue:
        with pytest.MonkeyPatch.context() as broken:
            broken.setattr(FileCopy, "put_chunks", fail)
            async with asyncio.timeout(20), venue.backup(NAMES[0]) as service:
                while service.health()["failure"] != f"{type(error).__name__}: {error}":
                    await asyncio.sleep(0.02)
                broken.undo()
                while not service.health()["ready"]:
                    await asyncio.sleep(0.02)


async def test_sessions_of_two_gateways_go_on_with_their_numbers_on_empty_machines(
    tmp_path: Path, redis_url: str, store_url: str
) -> None:
    async with cluster(tmp_path, redis_url, store_url) as venue:
        numbers = {}
        for name, key in zip(NAMES, KEYS, strict=True):
            async with venue.backup(name), venue.gateway(name) as gateway:
                numbers[name] = (await trade(gateway, key, 5)).next_number
        await venue.ship_journal()
        assert gateway_names(store_url) == list(NAMES)
        for name in NAMES:
            shutil.rmtree(venue.volume(name))
            restored = restore_gateway(
                venue.store, venue.gateways()[name], venue.volume(name), until=None
            )
            assert restored.files == 3  # the session, whether it cancels, the logons' signatures

        for name, key in zip(NAMES, KEYS, strict=True):
            async with venue.gateway(name) as gateway:
                client, number = await log_on(gateway, key, numbers[name])
                assert number == 7  # behind a logon and five reports, with no reset
                client.send("2", {7: 2, 16: 6})
                resent = [await client.receive() for _ in range(5)]
                assert [message[43] for message in resent] == ["Y"] * 5
                assert [message[11] for message in resent] == [f"{key}-{n}" for n in range(2, 7)]
                client.enter("new", "buy", "0.001", "50000")
                assert (await client.expect("8"))[34] == "8"
                await client.close()
        verified = verify_all(venue.store, venue.gateways(), lambda _: None)
        assert verified.problems == []


async def test_a_restored_gateway_knows_nothing_that_the_journals_backup_does_not(
    tmp_path: Path, redis_url: str, store_url: str
) -> None:
    async with cluster(tmp_path, redis_url, store_url) as venue:
        async with venue.gateway("fix-0") as gateway:
            async with venue.backup("fix-0"):
                await trade(gateway, "alice", 1)
            own = venue.gateways()["fix-0"]
            with pytest.raises(RestoreRefusedError):
                restore_gateway(venue.store, own, tmp_path / "new", until=None)
            reached = await venue.ship_journal()
            async with venue.backup("fix-0"):
                pass
            before = Path(next((tmp_path / "fix-0").rglob("sent_messages.log"))).read_bytes()
            async with venue.backup("fix-0"):
                await trade(gateway, "alice", 3, next_number=3)
        assert max(map(Copy.parse, own.files(f"{FILES}/"))).sequence == reached + 3
        restored = restore_gateway(venue.store, own, tmp_path / "new", until=None)
        assert restored.sequence == reached
        assert next((tmp_path / "new").rglob("sent_messages.log")).read_bytes() == before
        later = restore_gateway(venue.store, own, tmp_path / "later", until=reached + 3)
        assert later.sequence == reached + 3

        # Retention keeps that list, however old, while the journal's backup stands still.
        for age in range(30):
            own.put(Copy(FILES, reached + 4 + age, 2**40 + age).name, [b"\x90"])
        delete_old(own, 2**50, reached)
        found = newest_list(own, reached)
        assert found is not None
        assert found[0].sequence == reached


async def test_orders_of_a_session_whose_files_are_lost_or_older_are_no_repeats(
    tmp_path: Path, redis_url: str
) -> None:
    async with cluster(tmp_path, redis_url, (tmp_path / "store").as_uri()) as venue:
        async with venue.gateway("fix-0") as gateway:
            await trade(gateway, "alice", 3)
        for name in ("lost", "moved"):
            async with venue.gateway(name) as gateway:  # which begins with number 1 again
                await trade(gateway, "alice", 3, prefix=name)
        async with venue.gateway("fix-0") as gateway:  # as another copy of it would
            client = await FixClient.connect(gateway.fix.order_entry.port)
            answer = await client.log_on("alice", "secret-of-alice", is_reset=True)
            assert (answer[35], answer[34]) == ("A", "1")
            client.enter("behind", "buy", "0.001", "50000")
            assert (await client.expect("8"))[11] == "behind"
            await client.close()
        assert len(list(venue.venue.gateway.orders.open_orders(ALICE))) == 10


async def test_a_venue_gets_the_sessions_of_all_gateways_each_from_where_it_wrote_last(
    tmp_path: Path, redis_url: str, store_url: str
) -> None:
    async with cluster(tmp_path, redis_url, store_url) as venue:
        for name, key, orders in (
            ("fix-1", "alice", 2),
            ("fix-0", "bob", 2),
            ("fix-0", "alice", 0),
        ):
            async with venue.backup(name), venue.gateway(name) as gateway:
                await trade(gateway, key, orders)
        await venue.ship_journal()
        restored = await asyncio.to_thread(
            restore,
            venue.store,
            tmp_path / "new",
            gateways=venue.gateways(),
            until=None,
            open_postgres=None,
            on_progress=lambda _: None,
        )
    assert restored.files == 5
    for path in (tmp_path / "fix-0" / "gateway").rglob("sent_messages.log"):
        relative = path.relative_to(tmp_path / "fix-0")
        assert (tmp_path / "new" / relative).read_bytes() == path.read_bytes()


async def test_the_command_line_names_the_gateways(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = (tmp_path / "store").as_uri()
    async with cluster(tmp_path, redis_url, url) as venue:
        async with venue.backup("fix-0"), venue.gateway("fix-0") as gateway:
            await trade(gateway, "alice", 1)
        await venue.ship_journal()
    (tmp_path / "key").write_text(base64.b64encode(SECRET).decode())
    monkeypatch.setenv("AGIO_BACKUP_URL", url)
    monkeypatch.setenv("AGIO_BACKUP_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("AGIO_DATA", str(tmp_path / "new"))
    told = CliRunner().invoke(main, ["backup", "ls"])
    assert "sessions   of fix-0: " in told.output
    told = CliRunner().invoke(main, ["restore", "--gateway", "fix-9"])
    assert (told.exit_code, "no gateway 'fix-9' in the backup: fix-0" in told.output) == (2, True)
    told = CliRunner().invoke(main, ["restore", "--gateway", "fix-0", "--json"])
    assert json.loads(told.output)["files"] == 3
    monkeypatch.setenv("AGIO_DATA", str(tmp_path / "venue"))
    monkeypatch.setenv("AGIO_BACKUP_GATEWAY", "fix-0")
    told = CliRunner().invoke(main, ["backup", "run"])
    assert "is the venue's, not a gateway's" in str(told.output) + str(told.exception)

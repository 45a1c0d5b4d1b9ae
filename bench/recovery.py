"""What a lost machine loses, and how long its venue takes to come back.

The first is how old a record was at most, of 20,000 a second, before it was in the backup; the
second is seconds per million commands of `bench.flow`.

The bucket is moto's, on this machine and in Python, so the way to S3 is another: add the journal's
bytes divided by your line's rate. What is restored are the flow's commands with a snapshot at half
of them and a ledger's copy at half of them.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import asyncpg

from accounts.edge.schema import migrate
from agio import embedded_aws
from agio.backup import postgres_copy
from agio.backup.contents import LEDGER, Copy
from agio.backup.journal_copy import JournalCopy
from agio.backup.restore import restore
from agio.backup.restore_journal import Progress, recover
from agio.backup.restore_ledger import settle_behind
from agio.backup.snapshot_copy import checked_pieces, snapshots_there
from agio.embedded_aws import BUCKET, EmbeddedAws
from agio.embedded_postgres import EmbeddedPostgres
from agio.flow_runs import Translation
from bench.figures import Figure, figure, show
from bench.flow import make_flow
from matching.core.engine import Engine
from matching.edge.journal import Journal
from matching.edge.snapshot_maker import make_snapshot
from matching.pipeline import Batch, Pipeline
from matching.sequencer import Sequencer
from objects.encrypted import EncryptedStore, open_encrypted
from objects.store import open_store

RUNS = 5
COMMANDS = 200_000
BATCH = 100
PACE_RECORDS = 20  # a millisecond
INTERVAL_S = 1.0  # as backup_seconds by default
WATCHED_S = 6.0


def measure() -> list[Figure]:
    os.environ.update(embedded_aws.ENVIRONMENT)
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        place.chmod(0o755)
        aws = EmbeddedAws(place / "aws.log")
        aws.start()
        try:
            with EmbeddedPostgres(place / "postgres", "bench") as server:
                return measured(place, server, f"s3://{BUCKET}/%s?endpoint={aws.endpoint}")
        finally:
            aws.stop()


def measured(place: Path, server: EmbeddedPostgres, url: str) -> list[Figure]:
    records = make_records()
    ages: list[float] = []
    for run in range(RUNS):
        print(f"recovery: ages, run {run + 1} of {RUNS}", file=sys.stderr)
        ages.append(oldest_s(place / f"live-{run}", opened(url % f"live-{run}"), records))
    store = opened(url % "backup")
    asyncio.run(back_up(place / "journal", server, store, records))
    whole: list[float] = []
    alone: list[float] = []
    for run in range(RUNS):
        print(f"recovery: restore, run {run + 1} of {RUNS}", file=sys.stderr)
        alone.append(restored_s(store, place / f"alone-{run}", None))
        postgres_url = asyncio.run(database(server, f"whole_{run}"))
        whole.append(restored_s(store, place / f"whole-{run}", postgres_url))
    return [
        figure("backup, oldest record not in it", "s", ages, target=2 * INTERVAL_S),
        figure("restore of 1,000,000 commands", "s", whole),
        figure("restore without the ledger", "s", alone),
    ]


def make_records() -> list[Batch]:
    """Return the flow's records in batches, as matching would write them."""
    flow = make_flow(COMMANDS)
    translation = Translation(flow)
    pipeline = Pipeline(Engine(), Sequencer())
    packed = translation.opening + translation.take(len(flow.commands))
    now_ns = time.time_ns()
    return [
        pipeline.execute([(None, command) for command in packed[at : at + BATCH]], now_ns)
        for at in range(0, len(packed), BATCH)
    ]


def oldest_s(directory: Path, store: EncryptedStore, records: list[Batch]) -> float:
    """Return how old a record was at most, once acknowledged, that was not in the backup yet."""
    journal = Journal(directory)
    appended_s: list[float] = []
    ends_s = time.monotonic() + WATCHED_S

    def write() -> None:
        for batch in records:
            journal.append(batch.records)
            appended_s.extend([time.monotonic()] * batch.count)
            if time.monotonic() > ends_s:
                return
            time.sleep(batch.count / PACE_RECORDS / 1000)

    writer = threading.Thread(target=write)
    copy = JournalCopy(directory, store)
    copy.begin()
    writer.start()
    oldest = 0.0
    while time.monotonic() < ends_s:
        before = copy.last_sequence
        if copy.ship() > before:
            oldest = max(oldest, time.monotonic() - appended_s[before])
        time.sleep(INTERVAL_S)
    writer.join()
    journal.close()
    return oldest


async def back_up(
    journal: Path, server: EmbeddedPostgres, store: EncryptedStore, records: list[Batch]
) -> None:
    """Back up all records, with snapshot and ledger as of half of them."""
    written = Journal(journal, "os")
    half = len(records) // 2
    for batch in records[:half]:
        written.append(batch.records)
    make_snapshot(journal)
    url = await database(server, "venue")
    await migrate(url)
    recovered = recover(journal, written.last_sequence, ignore)
    await settle_behind(url, recovered, ignore)
    for batch in records[half:]:
        written.append(batch.records)
    written.close()
    copy = JournalCopy(journal, store)
    copy.begin()
    copy.ship()
    for snapshot, path in snapshots_there(journal).items():
        store.put(snapshot.name, checked_pieces(path))
    await postgres_copy.copy_ledger(
        url, lambda sequence, pieces: store.put(Copy(LEDGER, sequence, 0).name, pieces)
    )


def restored_s(store: EncryptedStore, data: Path, postgres_url: str | None) -> float:
    """Return how long a restore takes, per million commands."""
    start = time.perf_counter()
    restored = restore(
        store,
        data,
        gateways={},
        until=None,
        open_postgres=None if postgres_url is None else lambda _: postgres_url,
        on_progress=ignore,
    )
    return (time.perf_counter() - start) / restored.last_sequence * 1e6


def opened(url: str) -> EncryptedStore:
    return open_encrypted(open_store(url), bytes(32), create=True)


async def database(server: EmbeddedPostgres, name: str) -> str:
    admin = await asyncpg.connect(server.url())
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    return server.url(name)


def ignore(_reached: Progress) -> None:
    """Show nothing: what is measured has no terminal."""


if __name__ == "__main__":
    show(measure())

"""The matching process killed under load (F2c), and while it recovers (F29): nothing is lost."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agio import child_process
from matching.client import MatchingClient
from matching.core.engine import Engine
from matching.edge.journal_replay import verify_journal
from matching.edge.segments import Segments
from matching.edge.snapshots import snapshot_paths
from tests.matching.samples import listing, order
from vocabulary import commands as c
from vocabulary.codec import Record, pack, unpack_record

ROOT = Path(__file__).resolve().parents[2]
RECOVERY_KILLS = 20
UNANSWERED_MAX = 200


class Trader:
    """A client that keeps orders on their way, and notes every acknowledgement it gets."""

    def __init__(self, address: str, session_id: int, from_sequence: int | None) -> None:
        self.session_id = session_id
        self.last_number = 0
        self.records: list[Record] = []
        self.acknowledged: dict[int, Record] = {}
        self.is_trading = True
        self._progress = asyncio.Event()
        self.client = MatchingClient(
            address,
            f"trader-{session_id}",
            from_sequence=from_sequence,
            on_records=self._on_records,
        )

    def trade(self) -> None:
        while self.is_trading and self.last_number - len(self.acknowledged) < UNANSWERED_MAX:
            self.last_number += 1
            self.client.submit(self._command(self.last_number))

    def _command(self, number: int) -> c.Command:
        if number % 50 == 0:  # keep the books small
            return c.CancelAllOrders(self.session_id, number, 1 + number // 50 % 2, 0, b"")
        return order(self.session_id, number)

    def _on_records(self, records: list[Record]) -> None:
        self.records += records
        for record in records:
            if record.command.session_id == self.session_id:
                number = record.command.session_number
                assert number not in self.acknowledged, f"{number} was acknowledged twice"
                self.acknowledged[number] = record
        self._progress.set()
        self.trade()

    async def progress(self, count: int) -> None:
        """Wait until so many more commands are acknowledged."""
        wanted = len(self.acknowledged) + count
        async with asyncio.timeout(30):
            while len(self.acknowledged) < wanted:
                self._progress.clear()
                await self._progress.wait()


def start(directory: Path, mode: str, snapshot_records: int) -> subprocess.Popen[bytes]:
    with (directory / "matching.log").open("ab") as log:
        return child_process.start(
            [
                sys.executable,
                "-m",
                "tests.end_to_end.matching_process",
                directory,
                mode,
                str(snapshot_records),
            ],
            None,
            ends_by=signal.SIGKILL,
            output=log,
            environment=os.environ | {"PYTHONPATH": str(ROOT)},
        )


def journal_records(directory: Path) -> list[Record]:
    """Return what a reader finds on the disk."""
    segments = Segments(directory / "journal")
    records: list[Record] = []
    sequence = 1
    while (chunk := segments.read(sequence, 1 << 20)).records:
        at = 0
        while at < len(chunk.records):
            record, at = unpack_record(chunk.records, at)
            records.append(record)
        sequence = chunk.next_sequence
    return records


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("mode", "snapshot_records", "kills"),
    [("fsync", 10**9, 12), ("os", 10**9, 12), ("fsync", 500, 6)],
    ids=["fsync", "os", "snapshots"],
)
async def test_f2c_i2_i5_a_killed_matching_process_loses_nothing_that_it_acknowledged(
    tmp_path: Path, mode: str, snapshot_records: int, kills: int
) -> None:
    chance = random.Random(mode)
    address = f"unix://{tmp_path}/matching.sock"
    reader = Trader(address, 11, from_sequence=1)
    traders = [reader, Trader(address, 12, None), Trader(address, 13, None)]
    process = start(tmp_path, mode, snapshot_records)
    try:
        for trader in traders:
            await trader.client.start()
        for command in listing():
            reader.client.submit(command)
        for trader in traders:
            trader.trade()

        for _ in range(kills):
            await asyncio.gather(*(trader.progress(50) for trader in traders))
            await asyncio.sleep(chance.uniform(0, 0.06))
            process.kill()
            process.wait()
            told = max(reader.client.last_sequence, traders[1].client.last_sequence)
            # I2: what a client was told is on the disk before anything repairs it.
            assert Segments(tmp_path / "journal").last_sequence >= told
            process = start(tmp_path, mode, snapshot_records)

        await asyncio.gather(*(trader.progress(50) for trader in traders))
        if snapshot_records < 10**9:
            process = await kill_while_it_recovers(process, tmp_path, mode, snapshot_records)
        await asyncio.gather(*(trader.progress(50) for trader in traders))
        for trader in traders:
            trader.is_trading = False
        await wait_until_answered(traders)
        process.terminate()
        assert process.wait() == 0
    finally:
        child_process.stop(process, signal.SIGKILL, 5)
        for trader in traders:
            await trader.client.stop()

    check(tmp_path, reader, traders)


async def kill_while_it_recovers(
    process: subprocess.Popen[bytes], directory: Path, mode: str, snapshot_records: int
) -> subprocess.Popen[bytes]:
    """F29: kill it again and again, from before it has read anything to after it runs."""
    async with asyncio.timeout(30):
        while not snapshot_paths(directory / "journal"):
            await asyncio.sleep(0.05)
    for kill in range(RECOVERY_KILLS):
        process.kill()
        process.wait()
        process = start(directory, mode, snapshot_records)
        await asyncio.sleep(0.35 + 0.02 * kill)
    return process


async def wait_until_answered(traders: list[Trader]) -> None:
    for trader in traders:
        missing = trader.last_number - len(trader.acknowledged)
        if missing:
            await trader.progress(missing)
    (reader, *others) = traders
    last = max(trader.client.last_sequence for trader in others)
    async with asyncio.timeout(30):
        while reader.client.last_sequence < last:
            await asyncio.sleep(0.01)


def check(directory: Path, reader: Trader, traders: list[Trader]) -> None:
    journal = journal_records(directory)
    # Every command that was ever submitted executed exactly once, and nothing else did.
    for trader in traders:
        numbers = [
            record.command.session_number
            for record in journal
            if record.command.session_id == trader.session_id
        ]
        assert numbers == list(range(1, trader.last_number + 1))
        # I2: each acknowledgement is in the journal, at its sequence and with its content.
        for record in trader.acknowledged.values():
            assert journal[record.sequence - 1] == record
    assert reader.records == journal  # the stream had neither holes nor repeats

    # I5: a cold replay, one from each snapshot, and an engine fed with what a reader was told end
    # in the same state.
    verified = verify_journal(directory / "journal")
    assert verified.torn_tail is None
    assert not verified.unusable
    engine = Engine()
    for record in reader.records:
        engine.apply(pack(record.command), record.sequence, record.timestamp_ns)
    assert verified.result.state_hash == engine.state_hash()
    assert verified.result.last_sequence == len(journal)
    assert verified.result.events["TradeExecuted"] > 0

"""A real matching process whose writes and syncs the kernel fails (F6) or delays (F7)."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from agio import child_process
from matching.edge.segments import Segments
from tests.agio.running_venue import children_of
from tests.end_to_end.test_matching_killed import ROOT, Trader, check, start, wait_until_answered
from tests.matching.samples import listing

# What strace lets fail, and when: the n-th such call, counted from the start of the process.
FAULTS = [
    "fdatasync:error=EIO:when=4",
    "pwrite64:error=ENOSPC:when=7",
    "pwrite64:retval=64:when=5",  # a short write, of which nothing arrives
    "fdatasync:error=EIO:when=60",
]


NEEDS_STRACE = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace makes the calls fail"
)


@NEEDS_STRACE
async def test_f6_i2_a_failed_write_or_sync_ends_the_process_and_loses_nothing(
    tmp_path: Path,
) -> None:
    address = f"unix://{tmp_path}/matching.sock"
    reader = Trader(address, 11, from_sequence=1)
    traders = [reader, Trader(address, 12, None)]
    process = start(tmp_path, "fsync", 10**9)
    try:
        for trader in traders:
            await trader.client.start()
        for command in listing():
            reader.client.submit(command)
        for trader in traders:
            trader.trade()
        await asyncio.gather(*(trader.progress(50) for trader in traders))
        process.kill()
        process.wait()

        for fault in FAULTS:
            process = start_with(tmp_path, fault)
            status = await ended(process)
            assert status == os.EX_SOFTWARE, f"{fault}: {child_process.tail(log_of(tmp_path))}"
            told = max(trader.client.last_sequence for trader in traders)
            assert Segments(tmp_path / "journal").last_sequence >= told

        process = start(tmp_path, "fsync", 10**9)
        await asyncio.gather(*(trader.progress(50) for trader in traders))
        for trader in traders:
            trader.is_trading = False
        await wait_until_answered(traders)
        process.terminate()
        assert process.wait() == 0
    finally:
        kill_traced(process)
        for trader in traders:
            await trader.client.stop()

    check(tmp_path, reader, traders)


@NEEDS_STRACE
async def test_f7_batches_grow_while_the_disk_is_slow(tmp_path: Path) -> None:
    address = f"unix://{tmp_path}/matching.sock"
    traders = [Trader(address, 11, from_sequence=1), Trader(address, 12, None)]
    process = start_with(tmp_path, "fdatasync:delay_enter=200000")
    try:
        for trader in traders:
            await trader.client.start()
        for command in listing():
            traders[0].client.submit(command)
        started = time.monotonic()
        for trader in traders:
            trader.trade()
        await asyncio.gather(*(trader.progress(800) for trader in traders))
        assert time.monotonic() - started < 60  # one by one they would have taken 320 s
        for trader in traders:
            trader.is_trading = False
        await wait_until_answered(traders)
    finally:
        kill_traced(process)
        for trader in traders:
            await trader.client.stop()

    check(tmp_path, traders[0], traders)


def kill_traced(process: subprocess.Popen[bytes]) -> None:
    for child in children_of(process.pid) if process.poll() is None else []:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)  # strace would leave it alive
    child_process.stop(process, signal.SIGKILL, 5)


def log_of(directory: Path) -> Path:
    return directory / "matching.log"


def start_with(directory: Path, fault: str) -> subprocess.Popen[bytes]:
    call = fault.partition(":")[0]
    tracing = ["strace", "--follow-forks", "--quiet=all", "--seccomp-bpf", "-o", os.devnull]
    module = [sys.executable, "-m", "tests.end_to_end.matching_process", str(directory)]
    with log_of(directory).open("ab") as log:
        return child_process.start(
            [
                *(*tracing, f"--trace={call}", f"--inject={fault}"),
                *(*module, "fsync", str(10**9)),
            ],
            None,
            ends_by=signal.SIGKILL,
            output=log,
            environment=os.environ | {"PYTHONPATH": str(ROOT)},
        )


async def ended(process: subprocess.Popen[bytes]) -> int:
    async with asyncio.timeout(60):
        while process.poll() is None:
            await asyncio.sleep(0.02)
    assert process.returncode is not None
    return process.returncode

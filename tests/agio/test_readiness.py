"""Readiness while a journal is replayed: the process lives, and takes nothing yet."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import aiohttp

from agio.child_process import free_port
from agio.health_server import serve_health
from matching.core.engine import Engine
from matching.edge.journal import Journal
from matching.pipeline import Pipeline
from matching.sequencer import Sequencer
from tests.agio.running_venue import free_port_base
from vocabulary import commands as c
from vocabulary.codec import pack

COMMANDS = 15_000
TIMEOUT_S = 60.0


def write_journal(directory: Path) -> None:
    """Write a journal whose replay takes a second or so where the hot paths are not compiled."""
    pipeline = Pipeline(Engine(), Sequencer())
    commands = [c.CreditFunds(1, number, 1, 1, 1) for number in range(2, COMMANDS + 1)]
    packed = b"".join(pack(command) for command in [c.ListAsset(1, 1, 1, 8, b"BTC"), *commands])
    journal = Journal(directory, "os")
    journal.append(pipeline.execute([("desk", packed)], time.time_ns()).records)
    journal.close()


def asked(url: str) -> int:
    """Return the status of an answer, 0 where nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def test_a_service_that_replays_lives_and_is_not_ready(tmp_path: Path) -> None:
    write_journal(tmp_path / "journal")
    port = free_port_base()  # nobody is given it while the service starts
    settings = {"AGIO_DATA": tmp_path, "AGIO_MATCHING_METRICS_PORT": port, "AGIO_UNCOMPILED": 1}
    process = subprocess.Popen(
        [sys.executable, "-m", "agio", "matching"],
        env=os.environ | {name: str(value) for name, value in settings.items()},
        stderr=subprocess.DEVNULL,
    )
    seen: list[tuple[int, int]] = []
    deadline = time.monotonic() + TIMEOUT_S
    while seen[-1:] != [(200, 200)]:
        assert time.monotonic() < deadline, seen
        both = asked(f"http://127.0.0.1:{port}/live"), asked(f"http://127.0.0.1:{port}/ready")
        if all(both) and seen[-1:] != [both]:
            seen.append(both)
    process.terminate()
    assert process.wait(20) == 0
    assert seen == [(200, 503), (200, 200)]


async def test_what_failed_for_good_is_not_live_and_a_part_may_be_asked_for() -> None:
    state: dict[str, object] = {"ready": True, "feed": {"ready": False}}
    port = free_port()
    runner = await serve_health(lambda: state, "127.0.0.1", port)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:

        async def status(path: str) -> int:
            async with client.get(path) as answer:
                return answer.status

        assert await status("/live") == await status("/ready") == 200
        assert await status("/ready?also=feed") == 503
        assert await status("/ready?also=nothing") == 503
        state["feed"] = {"ready": True}
        assert await status("/ready?also=feed") == 200
        state["failed"] = True
        assert await status("/live") == 503
        async with client.get("/metrics") as answer:
            assert "agio_service_ready 1.0" in await answer.text()
    await runner.cleanup()

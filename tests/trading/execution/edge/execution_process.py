"""An execution instance in a process of its own, so that it can be killed.

Run as a program it is that process: its one argument is JSON, see `ExecutionProcess`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from typing import Any

import structlog
import uvloop

from agio.hot_paths import ROOT
from trading.credentials import Credentials
from trading.execution.edge.service import Choices, ExecutionService, Places
from trading.execution.trader import Patience
from trading.runs import Run


async def serve(job: dict[str, Any]) -> None:
    places = job["places"] | {"feeds": tuple(job["places"]["feeds"])}
    service = ExecutionService(
        Run.model_validate(job["run"]),
        {"maker": Credentials("alice", "secret-of-alice")},
        Places(**places),
        Choices(job["name"], Patience(**job["patience"])),
    )
    await service.start()
    print("open", flush=True)  # noqa: T201 (the test waits for it)
    await asyncio.Event().wait()


class ExecutionProcess:
    """Start it, kill it, start it again."""

    def __init__(self, name: str, run: Run, places: Places, **patience: int) -> None:
        self.name = name
        fields = {field: getattr(places, field) for field in Places.__dataclass_fields__}
        self._job = {
            "name": name,
            "run": run.model_dump(mode="json"),
            "places": fields,
            "patience": patience,
        }
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.trading.execution.edge.execution_process",
            json.dumps(self._job),
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        while not (line := await self._process.stdout.readline()).startswith(b"open"):
            assert line, "the instance ended"

    async def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        await self._process.communicate()

    async def pause(self, seconds: float) -> None:
        """Stop it as a machine that is too busy does; it does not know how long it was away."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self._process.send_signal(signal.SIGCONT)


def main() -> None:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(30),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    uvloop.run(serve(json.loads(sys.argv[1])))


if __name__ == "__main__":
    main()

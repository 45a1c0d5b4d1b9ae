"""A gateway in a process of its own, so that it can be killed.

Run as a program it is that process: its one argument is JSON with `Gateway`'s.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from agio import child_process
from agio.hot_paths import ROOT
from gateway.edge.gateway import Gateway


async def serve(arguments: dict[str, Any]) -> None:
    arguments["data_directory"] = Path(arguments["data_directory"])
    gateway = Gateway(**arguments)
    await gateway.start()
    print("open", gateway.fix.order_entry.port, flush=True)  # noqa: T201 (the test waits for it)
    await asyncio.Event().wait()


class GatewayProcess:
    """Start it, kill it, start it again: it takes the same `fix_port` each time."""

    def __init__(self, *, port: int = 0, **arguments: object) -> None:
        self.port = port or child_process.free_port()
        ports = {"fix_port": self.port, "rest_port": 0, "websocket_port": 0}
        self._arguments = ports | arguments
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.gateway.edge.gateway_process",
            json.dumps(self._arguments, default=str),
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        while not (line := await self._process.stdout.readline()).startswith(b"open"):
            assert line, "the gateway ended"

    def resident_bytes(self) -> int:
        """Return how much memory it has."""
        assert self._process is not None
        pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def has_connection(self, port: int) -> bool:
        """Say whether a client's socket, by its own port, is connected to this process."""
        assert self._process is not None
        sockets = set()
        for descriptor in Path(f"/proc/{self._process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                sockets.add(descriptor.readlink().name)
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if int(fields[2].partition(":")[2], 16) == port:
                return f"socket:[{fields[9]}]" in sockets
        return False

    async def kill(self) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
        await self._process.communicate()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))

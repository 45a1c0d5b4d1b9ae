"""The processes that orders are measured through: matching, a gateway, and a bare echo.

Each runs pinned to the cores that it is given. Run as a program this file is one of them.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import structlog
import uvloop
from aiohttp import web

from agio import hot_paths
from agio.span_outlet import open_outlet
from vocabulary import commands as c
from vocabulary.tracing import Tracing

EXPORT_SECONDS = 3.0

LISTINGS: list[c.Command] = [
    c.ListAsset(1, 1, 1, 8, b"BTC"),
    c.ListAsset(1, 2, 2, 8, b"USDT"),
    c.ListInstrument(1, 3, 1, 1, 2, 1_000, 10, 1, 1_000, 2_000, b"BTCUSDT"),
    c.CreditFunds(1, 4, 1, 2, 10**17),
    c.CreditFunds(1, 5, 1, 1, 10**15),
]


@contextmanager
def process(kind: str, cores: AbstractSet[int], **arguments: object) -> Iterator[int]:
    """Run one of the processes; yield the port that it tells when it is ready."""
    job = json.dumps({"kind": kind, "cores": sorted(cores)} | arguments, default=str)
    command = [sys.executable, "-m", "bench.fix_venue", job]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        try:
            yield int(running.stdout.readline())
        finally:
            running.terminate()


@contextmanager
def venue(
    directory: Path,
    mode: str,
    gateway: AbstractSet[int],
    matching: AbstractSet[int],
    trace_rate: float = 0.0,
) -> Iterator[int]:
    """Run a venue with one instrument and one rich account; yield its FIX port.

    Its traces go to a collector that takes them and does nothing with them.
    """
    address = f"unix://{directory / 'matching.sock'}"
    with process("collector", matching) as collector:
        both = {
            "directory": directory,
            "address": address,
            "trace_rate": trace_rate,
            "otlp_url": f"http://127.0.0.1:{collector}",
        }
        with (
            process("matching", matching, mode=mode, **both),
            process("gateway", gateway, **both) as port,
        ):
            yield port
        if trace_rate:
            time.sleep(EXPORT_SECONDS)  # or the exporters of this venue would burden the next


def processor_s(*kinds: str) -> float:
    """Return what the processes of some kinds that this one runs have used of the processor."""
    own = Path("/proc/self/task") / str(os.getpid()) / "children"
    ticks = 0
    for pid in own.read_text().split():
        command = (Path("/proc") / pid / "cmdline").read_text()
        if any(f'"kind": "{kind}"' in command for kind in kinds):
            fields = (Path("/proc") / pid / "stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])  # proc(5): utime, stime
    return ticks / os.sysconf("SC_CLK_TCK")


def tracing(service: str, trace_rate: float, otlp_url: str) -> Tracing | None:
    if not trace_rate:
        return None
    return Tracing(trace_rate, open_outlet(service, otlp_url).emit)


async def serve_matching(
    directory: str, address: str, mode: Any, trace_rate: float, otlp_url: str
) -> None:
    from matching.client import MatchingClient
    from matching.edge.server import MatchingServer

    server = MatchingServer(
        journal_directory=Path(directory) / "journal",
        address=address,
        mode=mode,
        tracing=tracing("matching", trace_rate, otlp_url),
    )
    await server.start()
    ops = MatchingClient(address, "ops", from_sequence=None, on_records=lambda _: None)
    await ops.start()
    for command in LISTINGS:
        ops.submit(command)
    await ops.funds()
    await ops.stop()
    print(0, flush=True)
    await asyncio.Event().wait()


async def serve_gateway(directory: str, address: str, trace_rate: float, otlp_url: str) -> None:
    from gateway.edge.gateway import Gateway

    async def tell_key(request: web.Request) -> web.Response:
        """Tell of the key `load` of account 1, and of keys named by the number of their account."""
        key = request.match_info["key"]
        account_id = int(key) if key.isdigit() else 1
        own = {"api_key": key, "secret": key, "account_id": account_id}
        return web.json_response(own | {"sender_comp_ids": [], "permissions": ["trade"]})

    app = web.Application()
    app.router.add_get("/internal/credentials/{key}", tell_key)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    gateway = Gateway(
        matching_address=address,
        redis_url="redis://127.0.0.1:1/0",  # nobody is there: market data is measured elsewhere
        ops_url=f"http://127.0.0.1:{runner.addresses[0][1]}",
        service_token="-",
        comp_id="AGIO",
        host="127.0.0.1",
        fix_port=0,
        rest_port=0,
        websocket_port=0,
        data_directory=Path(directory) / "gateway",
        fix_orders_per_s_max=10_000_000,
        tracing=tracing("gateway", trace_rate, otlp_url),
    )
    await gateway.start()
    print(gateway.fix.order_entry.port, flush=True)
    await asyncio.Event().wait()


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)


async def serve_echo() -> None:
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


async def serve_unix_echo(path: str) -> None:
    await asyncio.get_running_loop().create_unix_server(Echo, path)
    print(0, flush=True)
    await asyncio.Event().wait()


async def serve_collector() -> None:
    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.Response()

    app = web.Application(client_max_size=1 << 30)
    app.router.add_post("/v1/traces", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


SERVE: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
    "matching": serve_matching,
    "gateway": serve_gateway,
    "echo": serve_echo,
    "unix_echo": serve_unix_echo,
    "collector": serve_collector,
}


def main() -> None:
    hot_paths.prefer_source()
    job = json.loads(sys.argv[1])
    os.sched_setaffinity(0, job.pop("cores"))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    uvloop.run(SERVE[job.pop("kind")](**job))


if __name__ == "__main__":
    main()

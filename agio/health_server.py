"""What an operator asks of a service: /live, /ready, /health and /metrics.

Services alone import it: a command that asks them starts in two thirds of the time without aiohttp.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import prometheus_client
from aiohttp import web

from agio import __version__

LAG_INTERVAL_SECONDS = 0.5

LOOP_LAG_SECONDS = prometheus_client.Histogram(
    "agio_event_loop_lag_seconds",
    "How late a timer of the service's event loop fires",
    buckets=[0.0005 * 4**power for power in range(8)],
)
READY = prometheus_client.Gauge("agio_service_ready", "1 while the service is ready")
BUILD = prometheus_client.Gauge("agio_build_info", "1, with the version", ["version"])
BUILD.labels(__version__).set(1)

Health = Callable[[], dict[str, object]]


async def serve_health(health: Health, host: str, port: int) -> web.AppRunner:
    """Serve what `health` tells; `cleanup()` ends it. Raises `OSError` if the port is taken.

    `/live`: 200 as long as the process can do its work without being started anew, else 503.
    `/ready`: 200 when it does its work, else 503. With `?also=PART` that part of it must be ready,
    too: `/ready?also=feed` of a gateway is for those who want its market data.
    `/health`: the same as `/ready`, with all that it tells of itself.
    """

    async def answer_live(_request: web.Request) -> web.Response:
        has_failed = bool(health().get("failed"))
        return web.json_response({"live": not has_failed}, status=503 if has_failed else 200)

    async def answer_ready(request: web.Request) -> web.Response:
        state = health()
        parts = {name: state.get(name) for name in request.query.getall("also", [])}
        unready = ["service"] if not state["ready"] else []
        for name, part in parts.items():
            if not (isinstance(part, dict) and part.get("ready")):
                unready.append(name)
        told = {"ready": not unready, "unready": unready}
        return web.json_response(told, status=503 if unready else 200)

    async def answer_health(_request: web.Request) -> web.Response:
        state = health()
        return web.json_response(state, status=200 if state["ready"] else 503)

    async def answer_metrics(_request: web.Request) -> web.Response:
        return web.Response(
            body=prometheus_client.generate_latest(),
            headers={"Content-Type": prometheus_client.CONTENT_TYPE_LATEST},
        )

    READY.set_function(lambda: bool(health()["ready"]))
    application = web.Application()
    application.router.add_get("/live", answer_live)
    application.router.add_get("/ready", answer_ready)
    application.router.add_get("/health", answer_health)
    application.router.add_get("/metrics", answer_metrics)
    application.cleanup_ctx.append(_watch_loop)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner


async def _watch_loop(_application: web.Application) -> AsyncIterator[None]:
    """Measure how late the event loop is, as long as the application runs."""

    async def measure() -> None:
        while True:
            due_s = time.monotonic() + LAG_INTERVAL_SECONDS
            await asyncio.sleep(LAG_INTERVAL_SECONDS)
            LOOP_LAG_SECONDS.observe(max(time.monotonic() - due_s, 0))

    measuring = asyncio.create_task(measure())
    yield
    measuring.cancel()
    await asyncio.gather(measuring, return_exceptions=True)

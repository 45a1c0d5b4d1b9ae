"""What an operator asks of a service: /health and /metrics.

Services alone import it: a command that asks them starts in two thirds of the time without aiohttp.
"""

from collections.abc import Callable

import prometheus_client
from aiohttp import web


async def serve_health(
    health: Callable[[], dict[str, object]], host: str, port: int
) -> web.AppRunner:
    """Serve `/health` (200 when ready, else 503) and `/metrics`; `cleanup()` ends it.

    Raises `OSError` if the port is taken.
    """

    async def answer_health(_request: web.Request) -> web.Response:
        state = health()
        return web.json_response(state, status=200 if state["ready"] else 503)

    async def answer_metrics(_request: web.Request) -> web.Response:
        return web.Response(
            body=prometheus_client.generate_latest(),
            headers={"Content-Type": prometheus_client.CONTENT_TYPE_LATEST},
        )

    application = web.Application()
    application.router.add_get("/health", answer_health)
    application.router.add_get("/metrics", answer_metrics)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner

import subprocess
import sys

import aiohttp

from agio.child_process import free_port
from agio.health_server import serve_health


async def test_health_and_metrics_are_served() -> None:
    state: dict[str, object] = {"ready": False}
    port = free_port()
    runner = await serve_health(lambda: state, "127.0.0.1", port)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        async with client.get("/health") as answer:
            assert (answer.status, await answer.json()) == (503, {"ready": False})
        state |= {"ready": True, "lag": 3}
        async with client.get("/health") as answer:
            assert (answer.status, await answer.json()) == (200, {"ready": True, "lag": 3})
        async with client.get("/metrics") as answer:
            assert "process_resident_memory_bytes" in await answer.text()
    await runner.cleanup()


def test_a_command_starts_without_what_services_need() -> None:
    code = "import sys, agio.command_line; print('aiohttp' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"

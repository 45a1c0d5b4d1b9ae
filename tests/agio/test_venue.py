"""What is made of who answers, or does not, where a service should be."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from agio import configuration, venue
from agio.child_process import free_port
from agio.health_server import serve_health
from agio.scrape import scrape


@contextmanager
def somebody_else(answer: bytes) -> Iterator[str]:
    """Answer everyone who connects with the same bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(2):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/health"
        serving.join(10)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_whoever_else_has_the_port_is_no_service_of_ours(answer: bytes) -> None:
    with somebody_else(answer) as url:
        state = venue.health(url)
        assert state["ready"] is False
        assert state["error"]
        assert not scrape(venue.metrics_url(url)).is_up


def test_nobody_there_is_not_ready() -> None:
    assert venue.health(f"http://127.0.0.1:{free_port()}/health")["ready"] is False


async def test_a_service_on_ipv6_answers() -> None:
    port = free_port()
    runner = await serve_health(lambda: {"ready": True, "pid": 7}, "::1", port)
    url = venue.health_url(configuration.load({"host": "::1"}), port)
    assert await asyncio.to_thread(venue.health, url) == {"ready": True, "pid": 7}
    await runner.cleanup()

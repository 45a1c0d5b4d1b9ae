"""A venue whose ports are taken says so before it starts anything."""

import socket
import threading

import pytest

from agio import ports
from agio.child_process import ServerFailedError, free_port


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_each_port_that_is_taken_is_named(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "FREE_TIMEOUT_S", 0.0)
    told: list[str] = []
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as another:
        taken = another.getsockname()[1]
        with pytest.raises(ServerFailedError) as caught:
            ports.wait_until_free(host, {"fix_port": free_port(), "rest_port": taken}, told.append)
    assert told == [f"waiting for rest_port = {taken}, which another process has"]
    assert f"another process has rest_port = {taken}:" in str(caught.value)
    assert "fix_port" not in str(caught.value)


def test_a_port_that_becomes_free_is_waited_for() -> None:
    told: list[str] = []
    another = socket.create_server(("127.0.0.1", 0))
    stopping = threading.Timer(0.2, another.close)
    stopping.start()
    ports.wait_until_free("127.0.0.1", {"rest_port": another.getsockname()[1]}, told.append)
    stopping.join()
    assert len(told) == 1

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from agio import child_process, liveness, venue
from agio.child_process import free_port
from agio.children import BACKOFF_S_MAX, STEADY_S, STOP_TIMEOUT_S, Watched
from agio.liveness import ASK_INTERVAL_S, SILENT_S_MAX, Liveness
from tests.agio.running_venue import wait_for

SERVICE = """
import asyncio, json, os, pathlib, signal, sys
from agio.health_server import serve_health

async def main(state, port):
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    health = lambda: {"pid": os.getpid()} | json.loads(pathlib.Path(state).read_bytes())
    await serve_health(health, "127.0.0.1", port)
    await told.wait()

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


class Service:
    """A process that serves health as ours do; what it tells lies in a file."""

    def __init__(self, directory: Path) -> None:
        self._state = directory / "state.json"
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}/health"
        self.process: subprocess.Popen[bytes]

    def tell(self, **state: bool) -> None:
        self._state.write_bytes(msgspec.json.encode(state))

    def start(self) -> None:
        words = [sys.executable, "-c", SERVICE, str(self._state), str(self._port)]
        self.process = child_process.start(
            words, None, ends_by=signal.SIGKILL, output=subprocess.DEVNULL
        )
        wait_for(lambda: venue.health(self.url).get("pid") == self.process.pid, "it is silent")

    def stop(self) -> None:
        child_process.stop(self.process, signal.SIGKILL, 5)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness, "ASK_TIMEOUT_S", 20.0)  # others may need the machine, too


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(tmp_path)
    made.tell(ready=True)
    made.start()
    yield made
    made.stop()


def watched(service: Service) -> Watched:
    return Watched("accounts", service, 0.0, Liveness(service.url))


def end(service: Service) -> None:
    """Wait until it has ended, as it was told to."""
    wait_for(lambda: service.process.poll() is not None, "it runs on")


def test_a_service_that_waits_for_a_store_is_left_alone(service: Service) -> None:
    child = watched(service)
    service.tell(ready=False, failed=False)
    for ask in range(20):
        child.look(ask * ASK_INTERVAL_S)
    assert service.process.poll() is None
    assert child.restarts == 0


def test_a_service_that_says_it_failed_starts_again_later_each_time(service: Service) -> None:
    child = watched(service)
    service.tell(ready=False, failed=True)
    now_s, pids, delays_s = 0.0, set(), []
    with capture_logs() as logs:
        for restart in range(1, 4):
            pids.add(service.process.pid)
            child.look(now_s)
            end(service)
            child.look(now_s)
            delays_s.append(child.backoff_s)
            child.look(now_s + child.backoff_s * 0.99)
            assert child.restarts == restart - 1
            now_s += max(child.backoff_s, ASK_INTERVAL_S)
            child.look(now_s)
            assert child.restarts == restart
            now_s += ASK_INTERVAL_S
    assert len(pids | {service.process.pid}) == 4
    assert delays_s == [0.25, 0.5, 1.0]
    told = [each for each in logs if each["event"] == "not live"]
    assert [each["reason"] for each in told] == ["it says that it failed"] * 3
    assert {each["child"] for each in told} == {"accounts"}
    assert told[0]["health"]["failed"] is True
    assert {each["pid"] for each in told} == pids
    assert max(delays_s) < BACKOFF_S_MAX
    assert now_s < STEADY_S


def test_a_service_that_hangs_is_killed_and_starts_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = watched(service)
    child.look(0.0)
    monkeypatch.setattr(liveness, "ASK_TIMEOUT_S", 0.1)
    service.process.send_signal(signal.SIGSTOP)
    for ask in range(1, int(SILENT_S_MAX / ASK_INTERVAL_S)):
        child.look(ask * ASK_INTERVAL_S)
    assert child.kill_at_s is None
    before = service.process.pid
    with capture_logs() as logs:
        child.look(SILENT_S_MAX)
        child.look(SILENT_S_MAX + STOP_TIMEOUT_S - 1)
        time.sleep(0.1)
        assert service.process.poll() is None  # stopped, it hears no SIGTERM
        child.look(SILENT_S_MAX + STOP_TIMEOUT_S)
        end(service)
        child.look(2 * STEADY_S)
        child.look(2 * STEADY_S + 0.25)
    assert [each["event"] for each in logs] == ["not live", "killed", "ended", "restarted"]
    assert logs[0]["reason"] == "no answer for 30 s"
    assert service.process.pid != before


def test_another_process_on_its_port_says_nothing_of_a_child(tmp_path: Path) -> None:
    other = Service(tmp_path)
    other.tell(ready=False, failed=True)
    other.start()
    ours = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    asked = Liveness(other.url)
    try:
        assert asked.problem(ours.pid, 0.0) is None
        assert asked.problem(ours.pid, 2 * SILENT_S_MAX) is None
        assert asked.problem(other.process.pid, 3 * SILENT_S_MAX) is not None
    finally:
        ours.kill()
        ours.wait()
        other.stop()

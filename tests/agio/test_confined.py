"""Services as the containers run them: writing only what compose declares, without capabilities."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from agio.child_process import free_port
from agio.configuration import PORT_OFFSETS
from agio.hot_paths import ROOT
from agio.services import SERVICES

READY_TIMEOUT_S = 40.0
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]
# A mount of its own stays writable when the one below it is made read-only.
CONFINE = """
set -e
for path in "$TMPDIR" $WRITABLE; do mount --bind "$path" "$path"; done
mount -o remount,bind,ro,nosuid,nodev /
if mountpoint -q /tmp; then mount -o remount,bind,ro,nosuid,nodev /tmp; fi
exec setpriv --no-new-privs --inh-caps=-all --bounding-set=-all -- "$@"
"""


@pytest.fixture(scope="module", autouse=True)
def can_confine() -> None:
    tried = subprocess.run([*NAMESPACE, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"this machine lets users make no namespaces: {tried.stderr.strip()}")


def confined(command: list[str], environment: dict[str, str], writable: list[Path]) -> list[str]:
    environment["WRITABLE"] = " ".join(map(str, writable))
    return [*NAMESPACE, "sh", "-c", CONFINE, "sh", *command]


@contextmanager
def running(name: str, environment: dict[str, str], data: Path) -> Iterator[None]:
    """Run a service with the volumes that compose gives it."""
    has_volume = any(
        text.endswith(":/data") for text in COMPOSE["services"][name].get("volumes", ())
    )
    command = [sys.executable, "-m", "agio", name]
    with subprocess.Popen(
        confined(command, environment, [data] if has_volume else []),
        env=environment | {"AGIO_DATA": str(data)},
        cwd="/",
    ) as process:
        try:
            yield
            process.send_signal(signal.SIGTERM)
            assert process.wait(READY_TIMEOUT_S) == 0, name
        finally:
            process.kill()


def asked(port: int) -> subprocess.CompletedProcess[str]:
    script = str(ROOT / "deploy" / "healthcheck.py")
    return subprocess.run(
        [sys.executable, script, str(port)], capture_output=True, text=True, check=False
    )


@pytest.fixture
def environment(tmp_path: Path, postgres_url: str, redis_url: str) -> dict[str, str]:
    """Give what all of them get. Nothing is inherited from who runs the tests but the path."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    matching = f"tcp://127.0.0.1:{free_port()}"
    settings = {name: str(free_port()) for name in PORT_OFFSETS}
    settings |= {"matching_address": matching, "postgres_url": postgres_url, "redis_url": redis_url}
    settings |= {"ops_token": "desk", "service_token": "ours", "master_key": "A" * 43 + "="}
    return {f"AGIO_{name.upper()}": value for name, value in settings.items()} | {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": "/nonexistent",
        "TMPDIR": str(scratch),
    }


def test_the_venue_runs_on_a_read_only_file_system(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    with ExitStack() as venue:
        for name in SERVICES:
            data = tmp_path / name
            data.mkdir()
            venue.enter_context(running(name, dict(environment), data))
        deadline = time.monotonic() + READY_TIMEOUT_S
        for name in SERVICES:
            port = int(environment[f"AGIO_{name.upper()}_METRICS_PORT"])
            while (answer := asked(port)).returncode:
                assert time.monotonic() < deadline, f"{name}: {answer.stderr}"
                time.sleep(0.1)
    assert list((tmp_path / "matching" / "journal").iterdir())
    assert not list((tmp_path / "marketdata").iterdir())
    assert not list((tmp_path / "accounts").iterdir())


def test_what_confines_them_does(tmp_path: Path, environment: dict[str, str]) -> None:
    volume, elsewhere = tmp_path / "volume", tmp_path / "elsewhere"
    volume.mkdir()
    script = f"touch {volume}/kept; touch {elsewhere}; grep CapEff /proc/self/status"
    command = confined(["sh", "-c", script], environment, [volume])
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "Read-only file system" in done.stderr
    assert done.stdout.split() == ["CapEff:", "0" * 16]
    assert (volume / "kept").exists()
    assert not elsewhere.exists()


def test_a_health_check_tells_who_is_not_ready() -> None:
    port = free_port()
    answer = asked(port)
    assert answer.returncode == 1
    assert answer.stderr.startswith(f"port {port}: ")

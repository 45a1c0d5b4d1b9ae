import base64
import json
import os
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from agio import children, configuration, ports, supervisor
from agio.child_process import ServerFailedError
from agio.venue import read
from tests.agio.running_venue import RunningVenue, free_port_base, is_running, wait_for


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVenue]:
    """Give a venue that several tests use in turn; each leaves it running."""
    with RunningVenue(tmp_path_factory.mktemp("venue"), free_port_base()) as running:
        yield running


def health_of(venue: RunningVenue) -> dict[str, dict[str, object]]:
    completed = venue.run("status", "--json", "--data", str(venue.data))
    services: dict[str, dict[str, object]] = json.loads(completed.stdout)["services"]
    return services


def ready(venue: RunningVenue) -> bool:
    return all(state["ready"] for state in health_of(venue).values())


def test_every_service_is_ready_and_says_where_it_is(venue: RunningVenue) -> None:
    status = venue.agio("status")
    assert status["ready"] is True
    assert set(status["services"]) == {"matching", "accounts", "marketdata", "gateway"}
    assert status["endpoints"] == venue.endpoints
    fix = {"fix_order_entry", "fix_drop_copy", "fix_market_data"}
    assert set(venue.endpoints) == {*fix, "rest", "websocket", "ops"}
    assert venue.endpoints["fix_order_entry"] == f"127.0.0.1:{venue.port_base}"


def test_the_desk_is_reached_by_the_command_line(venue: RunningVenue) -> None:
    made = venue.agio("account", "create", "ada")
    assert {"account_id": made["account_id"], "name": "ada"}.items() <= made.items()
    assert "ada" in {entry["name"] for entry in venue.agio("account", "list")["accounts"]}
    key = venue.agio("key", "create", "--account", "ada")
    assert key["api_key"]
    assert key["secret"]
    assert venue.agio("key", "revoke", key["api_key"])["revoked"] is True


def test_a_key_of_the_clients_own_signs_its_requests(venue: RunningVenue, tmp_path: Path) -> None:
    private_key = Ed25519PrivateKey.generate()
    pem = private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "public.pem").write_bytes(pem)
    venue.agio("account", "create", "sigrid")
    file = str(tmp_path / "public.pem")
    made = venue.agio("key", "create", "--account", "sigrid", "--public-key", file)
    assert made["secret"] is None
    query = f"timestamp={time.time_ns() // 1_000_000}"
    signature = quote(base64.b64encode(private_key.sign(query.encode())), safe="")
    request = urllib.request.Request(
        f"{venue.endpoints['rest']}/api/v3/account?{query}&signature={signature}",
        headers={"X-MBX-APIKEY": made["api_key"]},
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def test_a_refusal_is_told_and_fails_the_command(venue: RunningVenue) -> None:
    venue.agio("account", "create", "bob")
    again = venue.run("account", "create", "bob", "--data", str(venue.data))
    assert again.returncode == 1
    assert "bob" in again.stderr
    credit = venue.run("account", "credit", "carol", "BTC", "1", "--data", str(venue.data))
    assert "there is no account 'carol'" in credit.stderr


def test_an_account_is_suspended_and_resumed(venue: RunningVenue) -> None:
    venue.agio("account", "create", "dora")
    assert venue.agio("account", "suspend", "dora")["suspended"] is True
    assert venue.agio("account", "resume", "dora")["suspended"] is False


@pytest.mark.parametrize("name", ["matching", "accounts", "marketdata", "gateway"])
def test_a_killed_service_is_started_again(venue: RunningVenue, name: str) -> None:
    before = health_of(venue)[name]["pid"]
    assert isinstance(before, int)
    os.kill(before, signal.SIGKILL)

    def is_back() -> bool:
        return health_of(venue)[name].get("pid") != before and ready(venue)

    wait_for(is_back, f"{name} did not come back")


async def test_a_service_that_says_it_failed_is_started_again(venue: RunningVenue) -> None:
    before = health_of(venue)["accounts"]["pid"]
    running = read(venue.data)
    assert running is not None
    connection = await asyncpg.connect(running.postgres_url)
    rename = "UPDATE assets SET name = $2 WHERE name = $1"
    await connection.execute(rename, "BTC", "₿")  # which nobody foresaw
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'agio settlement'"
        )
        wait_for(lambda: health_of(venue)["accounts"].get("pid") != before, "it runs on")
    finally:
        await connection.execute(rename, "₿", "BTC")
        await connection.close()
    wait_for(lambda: ready(venue), "it does not mend")
    told = [json.loads(line) for line in (venue.data / "logs/venue.log").read_text().splitlines()]
    [ended] = [each for each in told if each["event"] == "not live" and each["pid"] == before]
    assert ended["child"] == "accounts"
    assert ended["reason"] == "it says that it failed"


@pytest.mark.parametrize("program", ["postgres", "valkey-server"])
def test_a_killed_server_is_started_again_where_it_was(venue: RunningVenue, program: str) -> None:
    before = venue.child(program)
    assert before is not None
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: venue.child(program) not in {None, before}, f"{program} did not come back")
    # An idle service notices only when it next needs the server: so ask it to.
    create = ["account", "create", f"after-{program}", "--data", str(venue.data)]
    wait_for(lambda: venue.run(*create).returncode == 0, "the desk did not find it again")
    wait_for(lambda: ready(venue), "the services did not find it again")


def test_a_second_venue_on_the_same_data_is_refused(venue: RunningVenue) -> None:
    flags = ["--data", str(venue.data), "--port-base", str(free_port_base())]
    second = venue.run("up", *flags)
    assert second.returncode == 1
    assert f"a venue runs on {venue.data} already" in second.stderr
    wait_for(lambda: ready(venue), "the first one suffered")


def test_logs_are_json_and_hold_no_secret(venue: RunningVenue) -> None:
    secrets = {path.read_text().strip() for path in (venue.data / "secrets").iterdir()}
    assert len(secrets) == 5
    logs = list((venue.data / "logs").glob("*.log"))
    assert {path.stem for path in logs} >= {"venue", "matching", "accounts", "gateway"}
    for path in logs:
        text = path.read_text()
        assert not [secret for secret in secrets if secret in text], path.name
        if path.stem != "valkey":
            assert all(json.loads(line)["event"] for line in text.splitlines())


def test_every_service_has_metrics(venue: RunningVenue) -> None:
    for offset in range(10, 14):
        with socket.create_connection(("127.0.0.1", venue.port_base + offset)) as connection:
            connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            with connection.makefile("rb") as answer:
                assert b"# TYPE process_cpu_seconds_total counter" in answer.read()


def test_a_stop_leaves_nothing_and_the_next_start_finds_everything(tmp_path: Path) -> None:
    venue = RunningVenue(tmp_path / "data", free_port_base())
    venue.start()
    venue.agio("account", "create", "kept")
    pids = venue.pids()
    assert len(pids) == 7  # the supervisor, two servers, four services
    assert venue.stop() == 0
    assert not [pid for pid in pids if is_running(pid)]
    assert not (venue.data / "venue.json").exists()

    with venue:
        assert "kept" in {entry["name"] for entry in venue.agio("account", "list")["accounts"]}


def test_a_killed_supervisor_leaves_no_orphan_and_the_next_starts(tmp_path: Path) -> None:
    venue = RunningVenue(tmp_path / "data", free_port_base())
    venue.start()
    pids = venue.pids()
    venue.kill()
    with venue:  # at once, beside children that are still stopping
        assert venue.agio("status")["ready"] is True
        wait_for(lambda: not [pid for pid in pids if is_running(pid)], "orphans run")


def test_a_service_that_cannot_start_is_named_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "START_ATTEMPTS_MAX", 0)
    (tmp_path / "journal").write_text("a file where matching wants a directory")
    settings = {"data": tmp_path, "port_base": free_port_base()}
    venue = supervisor.Venue(configuration.load(settings))
    try:
        with pytest.raises(ServerFailedError, match="agio matching does not get ready") as told:
            venue.start()
    finally:
        venue.stop()
    assert f"File exists: '{tmp_path / 'journal'}'" in str(told.value)


def test_a_venue_whose_port_is_taken_names_it_and_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "FREE_TIMEOUT_S", 0.0)
    port_base = free_port_base()
    told: list[str] = []
    with socket.create_server(("127.0.0.1", port_base + 1)):
        settings = configuration.load({"data": tmp_path, "port_base": port_base})
        venue = supervisor.Venue(settings, told.append)
        try:
            with pytest.raises(ServerFailedError, match=f"rest_port = {port_base + 1}"):
                venue.start()
        finally:
            venue.stop()
    assert told == [f"waiting for rest_port = {port_base + 1}, which another process has"]


@pytest.mark.parametrize("command", ["up", "demo", "matching"])
def test_data_that_cannot_be_written_is_named(command: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    data = tmp_path / "file" / "data"
    run = RunningVenue(data, 0).run(command, "--data", str(data))
    assert run.returncode != 0
    assert "Traceback" not in run.stderr
    assert f"can't write {data}" in run.stderr


def test_the_desk_of_a_venue_that_does_not_run_is_not_asked_in_vain(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "ops_token").write_text("token")
    here = RunningVenue(tmp_path, 0)
    asked = here.run(
        "account", "list", "--config", str(_settings(tmp_path)), "--data", str(tmp_path)
    )
    assert asked.returncode == 1
    assert "nobody listens at http://127.0.0.1:" in asked.stderr
    assert "start a venue with `agio up`" in asked.stderr
    status = here.run("status", "--config", str(tmp_path / "agio.toml"), "--data", str(tmp_path))
    assert status.returncode == 1
    assert status.stderr == f"no venue runs on {tmp_path}: `agio up` starts one\n"


def _settings(folder: Path) -> Path:
    """Return a file of settings whose ports nobody has."""
    file = folder / "agio.toml"
    file.write_text(f"port_base = {free_port_base()}\n")
    return file

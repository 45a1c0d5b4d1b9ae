from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from agio.embedded_valkey import EmbeddedValkey


def test_it_serves_until_it_is_stopped(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "valkey.log", "secret") as server:
        client = redis.Redis.from_url(server.url())
        client.set("depth", b"snapshot")
        assert client.get("depth") == b"snapshot"
    assert server.process.returncode == 0
    with pytest.raises(redis.ConnectionError):
        client.get("depth")
    client.close()


def test_only_the_password_opens_it(valkey_server: EmbeddedValkey) -> None:
    with (
        redis.Redis(port=valkey_server.port, retry=Retry(NoBackoff(), 0)) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.get("depth")


def test_nothing_is_kept(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path / "valkey.log", "secret")
    for _ in range(2):
        with server, redis.Redis.from_url(server.url()) as client:
            assert client.dbsize() == 0
            client.set("depth", b"snapshot")

"""What every test shares: the form of the hot paths that runs, and real servers."""

from agio import hot_paths

UNCOMPILED = hot_paths.prefer_source()  # before any test module imports a hot path

import asyncio  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from itertools import count  # noqa: E402
from pathlib import Path  # noqa: E402

import asyncpg  # noqa: E402
import boto3  # noqa: E402
import pytest  # noqa: E402
import redis  # noqa: E402
import uvloop  # noqa: E402
from hypothesis import Phase, settings  # noqa: E402

from agio.embedded_postgres import EmbeddedPostgres  # noqa: E402
from agio.embedded_valkey import EmbeddedValkey  # noqa: E402
from tests import aws_server  # noqa: E402

# The machines that run this share their cores: a slow example is no finding.
settings.register_profile("agio", deadline=None)
settings.load_profile("agio")
# To make what fails as small as can be takes minutes, where it is enough to know that it fails.
settings.register_profile("not-shrunk", deadline=None, phases=[Phase.explicit, Phase.generate])

database_numbers = count(1)
bucket_numbers = count(1)
table_numbers = count(1)
COMPILED = ("tests/matching/core/", "tests/trading/backtest/test_", "tests/gateway/fix/test_")


def pytest_report_header() -> list[str]:
    lines = [f"hot paths: {'source' if UNCOMPILED else 'compiled where built'}"]
    stale = hot_paths.stale_modules()
    if stale:
        lines.append(f"changed since compiled, run `make build`: {', '.join(stale)}")
    return lines


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of what is compiled: `make test` runs them both ways."""
    for item in items:
        if any(compiled in item.path.as_posix() for compiled in COMPILED):
            item.add_marker("core")


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run the tests on the event loop that the services run on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """Give the session's Postgres. It does not sync: no test pulls the machine's plug."""
    directory = tmp_path_factory.mktemp("postgres")
    with EmbeddedPostgres(directory, "test-password", {"fsync": "off"}) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """Give the URL of an empty database of the test's own."""
    name = f"test_{next(database_numbers)}"
    execute(postgres_server, f"CREATE DATABASE {name}")
    yield postgres_server.url(name)
    execute(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(
        tmp_path_factory.mktemp("valkey") / "server.log", "test-password"
    ) as server:
        yield server


@pytest.fixture
def redis_url(valkey_server: EmbeddedValkey) -> str:
    """Give the URL of the session's Valkey, emptied."""
    with redis.Redis.from_url(valkey_server.url()) as client:
        client.flushall()
    return valkey_server.url()


@pytest.fixture(scope="session")
def aws_endpoint() -> Iterator[str]:
    """Give the endpoint of the session's AWS; what a test makes there it names of its own."""
    with aws_server.aws_server() as endpoint:
        yield endpoint


@pytest.fixture
def aws_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let boto3 find credentials and a region, as every user of `aws_endpoint` needs."""
    for name, value in aws_server.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def s3_store_url(aws_endpoint: str, aws_credentials: None) -> str:
    """Give the URL of a store in an empty bucket."""
    bucket = f"store-{next(bucket_numbers)}"
    boto3.client("s3", endpoint_url=aws_endpoint).create_bucket(Bucket=bucket)
    return f"s3://{bucket}/some?endpoint={aws_endpoint}"


@pytest.fixture
def trade_history_url(aws_endpoint: str, aws_credentials: None) -> str:
    """Give the URL of a trade history that has no tables yet."""
    return f"dynamodb://us-east-1/venue-{next(table_numbers)}?endpoint={aws_endpoint}"


@pytest.fixture(params=["directory", "s3"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give an empty store: the test runs once on each kind."""
    if request.param == "directory":
        return (tmp_path / "store").as_uri()
    url: str = request.getfixturevalue("s3_store_url")
    return url


def execute(server: EmbeddedPostgres, statement: str) -> None:
    async def connect_and_execute() -> None:
        connection = await asyncpg.connect(server.url())
        await connection.execute(statement)
        await connection.close()

    # With a loop factory the runner leaves the test's own event loop alone.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(connect_and_execute())

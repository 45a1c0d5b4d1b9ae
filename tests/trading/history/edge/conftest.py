import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.trading.history.edge.store_servers import s3_bucket


@pytest.fixture
def s3_store_url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with s3_bucket() as url:
        yield url


@pytest.fixture(params=["directory", "s3"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give an empty store: the test runs once on each kind."""
    if request.param == "directory":
        return (tmp_path / "store").as_uri()
    url: str = request.getfixturevalue("s3_store_url")
    return url


@pytest.fixture
def no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not sync: nothing here pulls the machine's plug."""
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)

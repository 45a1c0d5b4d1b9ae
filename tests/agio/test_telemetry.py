import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from agio import telemetry


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "logs" / "service.log"
    structlog.reset_defaults()
    logging.basicConfig(force=True)


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_lines_are_json_ours_and_the_libraries(log_file: Path) -> None:
    telemetry.configure_logging("info", log_file)
    structlog.get_logger("gateway").info("session started", sender_comp_id="ADA")
    structlog.get_logger("gateway").debug("< not at this level")
    logging.getLogger("alembic").warning("migrating %s", "ledger")
    ours, theirs = lines(log_file)
    assert ours["event"] == "session started"
    assert (ours["logger"], ours["level"], ours["sender_comp_id"]) == ("gateway", "info", "ADA")
    assert str(ours["timestamp"]).endswith("Z")
    assert (theirs["event"], theirs["logger"]) == ("migrating ledger", "alembic")


def test_secrets_are_taken_out(log_file: Path) -> None:
    telemetry.configure_logging("info", log_file)
    log = structlog.get_logger("accounts")
    log.info("key made", api_key="K1", secret="s3cret", ops_token="s3cret")
    log.info("connecting", url="postgresql://agio:s3cret@127.0.0.1:5432/agio")
    log.info("no redis://:s3cret@127.0.0.1:6379/0")
    try:
        int("redis://:s3cret@127.0.0.1:6379/0")
    except ValueError:
        log.exception("failed")
    text = log_file.read_text()
    assert "s3cret" not in text
    assert lines(log_file)[0]["api_key"] == "K1"
    assert "postgresql://agio:(redacted)@127.0.0.1:5432/agio" in text

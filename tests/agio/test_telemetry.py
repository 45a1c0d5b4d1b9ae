import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from agio import telemetry
from vocabulary.trace_ids import trace_id
from vocabulary.tracing import Tracing


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


def test_secrets_are_taken_out_wherever_they_are(log_file: Path) -> None:
    telemetry.configure_logging("info", log_file)
    log = structlog.get_logger("agio")
    log.info("got", request={"headers": {"Authorization": "Bearer s3cret"}, "n": [1, "a=b"]})
    log.info(
        "put", url="https://host/bucket/key?X-Amz-Signature=s3cret&X-Amz-Security-Token=s3cret"
    )
    log.info("asked", targets=["kinesis://eu/orders?session_token=s3cret&endpoint=http://h:1"])
    log.info("connecting", urls={"stream": "rediss://agio:s3cret@redis:6379/0"})
    logging.getLogger("urllib3").warning("retrying %s", "/v1/traces?token=s3cret")
    log.info("session ended", aws_secret_access_key="s3cret", private_key="s3cret")
    text = log_file.read_text()
    assert "s3cret" not in text
    assert lines(log_file)[0]["request"] == {
        "headers": {"Authorization": "(redacted)"},
        "n": [1, "a=b"],
    }
    assert "endpoint=http://h:1" in text


def test_a_line_about_one_traced_order_names_its_trace(log_file: Path) -> None:
    telemetry.configure_logging("info", log_file, trace_sample_rate=0.1)
    log = structlog.get_logger("gateway")
    now_ns = 1_767_225_600_000_000_000
    for sequence in range(1, 101):
        log.info("order reported", sequence=sequence, timestamp_ns=now_ns)
    log.info("caught up", sequence=10)
    ids = {line["sequence"]: line.get("trace_id") for line in lines(log_file)[:100]}
    traced = Tracing(0.1, lambda _passage: None).sampled(1, 100, now_ns)
    assert {sequence for sequence, found in ids.items() if found} == {each for each, _ in traced}
    assert all(ids[each] == f"{trace_id(each, at_ns):032x}" for each, at_ns in traced)
    assert "trace_id" not in lines(log_file)[100]

import json
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner

from agio.__main__ import main
from marketdata.archive_manifest import ROOT
from marketdata.edge.archive import ArchiveWriter
from objects.store import open_store
from tests.marketdata.scripted_venue import ScriptedVenue
from vocabulary.excerpt import Excerpt


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an archive of two trades, which the variables name."""
    monkeypatch.chdir(tmp_path)
    url = (tmp_path / "archive").as_uri()
    monkeypatch.setenv("AGIO_ARCHIVE_URL", url)
    venue = ScriptedVenue()
    venue.trade(100, 5)
    venue.trade(101, 5)
    writer = ArchiveWriter(open_store(url), 3600, 1)
    writer.open()
    writer.write([Excerpt(r.sequence, r.timestamp_ns, list(r.events)) for r in venue.records])
    return tmp_path / "archive"


def test_ls_tells_of_each_date_and_symbol(archive: Path) -> None:
    told = CliRunner().invoke(main, ["archive", "ls"])
    assert told.exit_code == 0
    assert "2026-02-28 BTCUSDT" in told.output
    assert "trade=2" in told.output
    as_json = json.loads(CliRunner().invoke(main, ["archive", "ls", "--json"]).output)
    assert [day["symbol"] for day in as_json["days"]] == ["BTCUSDT", "_"]
    assert as_json["through_sequence"] == 17


def test_verify_fails_where_something_is_wrong(archive: Path) -> None:
    told = CliRunner().invoke(main, ["archive", "verify"])
    assert (told.exit_code, "PROBLEM" in told.output) == (0, False)
    assert "2 trades" in told.output
    [part] = (archive / ROOT).glob("date=*/symbol=BTCUSDT/type=trade/*")
    part.unlink()
    told = CliRunner().invoke(main, ["archive", "verify"])
    assert told.exit_code == 1
    assert f"PROBLEM: {part.relative_to(archive)}: is not there" in told.output


def test_it_asks_for_the_archive_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for command in ("ls", "verify", "run"):
        told = CliRunner().invoke(main, ["archive", command])
        assert told.exit_code == 2
        assert "archive_url" in told.output


def test_retention_is_the_buckets_own(
    s3_store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, archive: Path
) -> None:
    on_disk = CliRunner().invoke(main, ["archive", "retain", "--days", "9"])
    assert (on_disk.exit_code, "only S3" in on_disk.output) == (1, True)

    bucket, _, endpoint = s3_store_url.removeprefix("s3://").partition("/some?endpoint=")
    s3 = boto3.client("s3", endpoint_url=endpoint)
    theirs = {
        "ID": "theirs",
        "Status": "Enabled",
        "Filter": {"Prefix": "logs/"},
        "Expiration": {"Days": 3},
    }
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [theirs]})
    monkeypatch.setenv("AGIO_ARCHIVE_URL", s3_store_url)
    for days in ("400", "365"):
        words = ["archive", "retain", "--days", days, "--cold-days", "30"]
        assert CliRunner().invoke(main, words).exit_code == 0
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    days_by_prefix = {rule["Filter"]["Prefix"]: rule["Expiration"]["Days"] for rule in rules}
    assert days_by_prefix == {
        "logs/": 3,
        "some/market/v1/date=": 365,
        "some/market/v1/_manifests/": 365,
    }
    words = ["archive", "retain", "--days", "30", "--cold-days", "30"]
    assert CliRunner().invoke(main, words).exit_code == 2

import json
from pathlib import Path

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

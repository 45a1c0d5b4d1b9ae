"""`agio replay` and `agio snapshot` on a journal at rest."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from matching.edge.journal import Journal
from matching.edge.snapshots import snapshot_paths
from tests.matching.samples import make_records


@pytest.fixture
def data(tmp_path: Path) -> Path:
    journal = Journal(tmp_path / "journal", "os", 1 << 20)
    journal.append(b"".join(make_records(500)))
    journal.close()
    return tmp_path


def agio(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "agio", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_snapshot_is_made_once_and_replay_finds_that_it_leads_to_the_same_state(
    data: Path,
) -> None:
    assert agio("snapshot", data).stdout == f"{500:020d}.snapshot\n"
    assert "nothing has happened" in agio("snapshot", data / "journal").stdout
    replayed = agio("replay", data)
    assert replayed.returncode == 0
    assert "snapshot 500: the same state" in replayed.stdout
    assert replayed.stderr == ""  # a bar is for a terminal

    (path,) = snapshot_paths(data / "journal")
    path.write_bytes(b"")
    told = msgspec.json.decode(agio("replay", data, "--json").stdout)
    assert told["last_sequence"] == 500
    assert told["snapshots"] == []
    assert told["unusable_snapshots"] == {path.name: "only 0 bytes long"}


def test_replay_shows_its_rate_on_a_terminal(data: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "agio", "replay", str(data)]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=theirs, env=environment
    ) as process:
        process.wait(30)
        shown = os.read(ours, 1 << 16).decode()
    os.close(theirs)
    os.close(ours)
    plain = re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", shown)
    assert re.search(r"replaying.* [\d,]{3,} records, [\d,]{4,}/s", plain)

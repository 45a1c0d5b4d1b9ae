"""QuickFIX-style scenario definitions, played against the running venue by their own player.

`AGIO_FIX_SCENARIOS` names a directory with `tools/fix_at.py` and `fix44_defs/`. Without it there is
nothing to play here; the project's own dialogues are in tests/fix_sessions.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agio.running_venue import RunningVenue

SCENARIOS = Path(os.environ.get("AGIO_FIX_SCENARIOS") or "no-such-directory").absolute()
PLAYER = SCENARIOS / "tools" / "fix_at.py"
PLAYER_TIMEOUT_S = 240

pytestmark = [
    pytest.mark.conformance,
    pytest.mark.skipif(not PLAYER.exists(), reason="AGIO_FIX_SCENARIOS names no scenarios"),
]


@pytest.mark.timeout(PLAYER_TIMEOUT_S + 10)
@pytest.mark.parametrize("how", [(), ("--chop", "7")], ids=["whole", "in-pieces-of-7-bytes"])
def test_every_scenario_passes(venue: RunningVenue, tmp_path: Path, how: tuple[str, ...]) -> None:
    account = "chopped" if how else "whole"
    key = venue.trader(account, "C1", USDT="100000000")
    results = tmp_path / "results.json"
    completed = subprocess.run(
        [
            sys.executable,
            PLAYER,
            *("--host", "127.0.0.1", "--port", str(venue.port("fix_order_entry"))),
            *("--defs", SCENARIOS / "fix44_defs", "--json", results),
            *("--reset-with-141", "--app", "exchange", "--match", "fix"),
            *("--sender", "AGIO", "--target", "C1"),
            *("--username", key["api_key"], "--password", key["secret"]),
            *("--symbol", "BTCUSDT", "--order", "38=1|40=2|44=50000|59=1"),
            *how,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=PLAYER_TIMEOUT_S,
    )
    assert completed.returncode == 0, completed.stdout[-4000:] + completed.stderr
    assert json.loads(results.read_text())

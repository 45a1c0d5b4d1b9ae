"""Kill one service of a running venue and wait until its supervisor has started it again."""

import os
import signal
from pathlib import Path

from tests.agio.running_venue import RunningVenue, children_of, wait_for


def service_pids(venue: RunningVenue, name: str) -> list[int]:
    assert venue.process is not None
    pids = []
    for pid in children_of(venue.process.pid):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if name.encode() in words:
            pids.append(pid)
    return pids


def kill_service(venue: RunningVenue, name: str) -> None:
    [killed] = service_pids(venue, name)
    os.kill(killed, signal.SIGKILL)
    wait_for(
        lambda: (
            service_pids(venue, name) not in ([], [killed])
            and venue.run("status", "--data", str(venue.data)).returncode == 0
        ),
        f"{name} came back",
    )

"""The commands at which the engine failed: their senders must not bring the process down again.

Such a command never reached the journal, so to refuse it changes nothing that is in it. It is noted
before the process ends, and refused when it is sent again. An operator who knows better removes
the file `failed-commands` from the journal's directory.
"""

from __future__ import annotations

import os
from pathlib import Path

from matching.pipeline import EngineFailedError

_FILE = "failed-commands"


def read_failed_commands(directory: Path) -> frozenset[tuple[int, int]]:
    """Return session id and session number of each. A line cut short by a crash is left out."""
    path = directory / _FILE
    if not path.exists():
        return frozenset()
    *lines, _ = path.read_text().split("\n")
    identities = (line.split(maxsplit=2)[:2] for line in lines)
    return frozenset((int(session_id), int(number)) for session_id, number in identities)


def note_failed_command(directory: Path, error: EngineFailedError) -> None:
    """Add one, durably."""
    line = f"{error.session_id} {error.session_number} {error}".replace("\n", " ")
    with (directory / _FILE).open("a") as file:
        file.write(f"{line}\n")
        file.flush()
        os.fsync(file.fileno())

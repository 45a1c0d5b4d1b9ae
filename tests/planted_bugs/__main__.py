"""Plants each bug in a copy of the sources, and sees whether the core's tests find it.

    python -m tests.planted_bugs [WORD]      # those with the word in their name

Exits with 1 if one survives. Everything runs as source: nothing is compiled.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from agio.hot_paths import ROOT
from tests.planted_bugs.bugs import BUGS, Bug

COPIED = (
    "agio",
    "docs",
    "fix_specs",
    "marketdata",
    "matching",
    "objects",
    "tests",
    "vocabulary",
    "pyproject.toml",
)
OPTIONS = ("-q", "-x", "--tb=no", "-p", "no:cacheprovider", "--hypothesis-profile=not-shrunk")
TESTS = ("tests/matching/core", "tests/matching/test_snapshot_format.py")


def copy_sources(to: Path) -> None:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
        else:
            shutil.copy(source, to / name)


def failed_test(directory: Path) -> str:
    """Return the first test that fails there; empty if none does."""
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *OPTIONS, *TESTS],
        cwd=directory,
        env=os.environ | {"AGIO_UNCOMPILED": "1", "PYTHONPATH": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    failed = [line for line in run.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if run.returncode and not failed:
        raise RuntimeError(f"the tests did not run:\n{run.stdout}{run.stderr}")
    return failed[0].removeprefix("FAILED ").split(" - ")[0] if failed else ""


def try_bug(bug: Bug, directory: Path) -> str:
    path = directory / bug.path
    sound = path.read_text()
    path.write_text(sound.replace(bug.sound, bug.broken))
    try:
        return failed_test(directory)
    finally:
        path.write_text(sound)


def main(word: str = "") -> int:
    chosen = [bug for bug in BUGS if word in bug.name]
    survivors = 0
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        copy_sources(directory)
        if found := failed_test(directory):
            print(f"without a bug fails: {found}")
            return 1
        for number, bug in enumerate(chosen, start=1):
            started = time.monotonic()
            found = try_bug(bug, directory)
            survivors += not found
            seconds = time.monotonic() - started
            outcome = found or "SURVIVED"
            print(f"{number:>2}/{len(chosen)} {seconds:5.1f} s  {bug.name}: {outcome}", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} planted bugs were found")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))

"""What `pip install` brings: a source distribution and a wheel are whole, and run far from here."""

import os
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from agio.hot_paths import HOT_MODULES, ROOT

PACKAGES = (
    "accounts",
    "agio",
    "fix_specs",
    "gateway",
    "marketdata",
    "matching",
    "objects",
    "trading",
    "vocabulary",
)
BUILD = "import sys; from setuptools import build_meta as b; getattr(b, sys.argv[1])(sys.argv[2])"


def run(directory: Path, *words: str | Path, **environment: str) -> str:
    completed = subprocess.run(
        words,
        cwd=directory,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return completed.stdout


def tracked(*paths: str) -> set[str]:
    return set(run(ROOT, "git", "ls-files", "-z", *paths).split("\0")) - {""}


def copy_of_checkout(directory: Path) -> Path:
    """Return the tracked files alone, so that nothing of an earlier build gets in."""
    copy = directory / "checkout"
    for name in tracked(*PACKAGES, "pyproject.toml", "setup.py", "README.md", "LICENSE"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes((ROOT / name).read_bytes())
    return copy


def source_distribution(directory: Path) -> Path:
    copy, made = copy_of_checkout(directory), directory / "dist"
    run(copy, sys.executable, "-c", BUILD, "build_sdist", made, AGIO_UNCOMPILED="1")
    [path] = made.glob("*.tar.gz")
    return path


def test_the_distributions_have_every_file_of_the_packages(tmp_path: Path) -> None:
    with tarfile.open(source_distribution(tmp_path)) as archive:
        archive.extractall(tmp_path, filter="data")
    [unpacked] = tmp_path.glob("agio-*")
    needed = tracked(*PACKAGES)
    assert not [name for name in needed if not (unpacked / name).exists()]

    # Uncompiled: it is the files that count here.
    run(unpacked, sys.executable, "-c", BUILD, "build_wheel", tmp_path, AGIO_UNCOMPILED="1")
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        [metadata] = [name for name in names if name.endswith(".dist-info/METADATA")]
        about = Parser().parsestr(archive.read(metadata).decode())
    assert not needed - names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == set(PACKAGES)
    assert about["Name"] == "agio"
    assert about["License-Expression"] == "Apache-2.0"
    assert about["Requires-Python"] == ">=3.11"
    assert about["Description-Content-Type"] == "text/markdown"


@pytest.mark.package
@pytest.mark.timeout(1200)
def test_a_wheel_of_the_source_distribution_runs_a_compiled_venue(tmp_path: Path) -> None:
    sdist, elsewhere = source_distribution(tmp_path), tmp_path / "elsewhere"
    elsewhere.mkdir()
    pip = (sys.executable, "-m", "pip", "--quiet")
    run(tmp_path, *pip, "wheel", "--no-deps", "--no-build-isolation", "-w", elsewhere, sdist)
    [wheel] = elsewhere.glob("*.whl")
    run(elsewhere, sys.executable, "-m", "venv", "venv")
    pip = ("venv/bin/python", "-m", "pip", "--quiet")
    run(elsewhere, *pip, "install", "--require-hashes", "-r", ROOT / "requirements.txt")
    run(elsewhere, *pip, "install", "--no-deps", wheel)

    assert "Usage: agio" in run(elsewhere, "venv/bin/agio", "--help")
    told = run(elsewhere, "venv/bin/agio", "--version").splitlines()[1:]
    assert [line.split() for line in told] == [[module, "compiled"] for module in HOT_MODULES]
    summary = run(elsewhere, "venv/bin/agio", "demo", "--seconds", "15", "--data", "data")
    assert "journal = ledger: yes" in summary
    assert not [line for line in summary.splitlines() if line.startswith("OFF")]

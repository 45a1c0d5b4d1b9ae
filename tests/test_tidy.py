"""The style guide, as far as a program can read it. ruff and mypy check the rest."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from agio.hot_paths import ROOT

FILE_LINES_MAX = 450
FUNCTION_LINES_MAX = 70
# A name that says nothing gathers what belongs elsewhere: put it where it is used.
VAGUE_NAMES = {"common", "helper", "helpers", "misc", "shared", "util", "utils"}
# Written in pieces, or this file would find itself.
LEAKS = [
    re.compile("/" + "(root|home|work|Users)/"),
    re.compile("index" + "-url"),
    re.compile("py" + r"pi\.org|python" + r"hosted\.org|registry\.np" + "m"),
]
UNFINISHED = re.compile(r"\b(TO" + "DO|FIX" + "ME|XX" + r"X)\b")


def tracked_files() -> list[Path]:
    names = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True)
    paths = [ROOT / name for name in names.split("\0") if name]
    return [path for path in paths if path.is_file()]


TRACKED = tracked_files()
PYTHON = [path for path in TRACKED if path.suffix == ".py"]
GENERATED = {ROOT / "gateway" / "fix" / "tags.py", ROOT / "gateway" / "fix" / "values.py"}


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def text_of(path: Path) -> str | None:
    try:
        return path.read_text()
    except UnicodeDecodeError:  # a picture, a recorded journal
        return None


def test_a_file_holds_one_idea() -> None:
    lengths = {shown(path): len(path.read_text().splitlines()) for path in PYTHON}
    generated = {shown(path) for path in GENERATED}
    long = {name: n for name, n in lengths.items() if n > FILE_LINES_MAX and name not in generated}
    assert not long, f"more than {FILE_LINES_MAX} lines: split where two ideas meet: {long}"


def test_a_function_fits_a_screen() -> None:
    long = [
        f"{shown(path)}:{node.lineno} {node.name}"
        for path in PYTHON
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= FUNCTION_LINES_MAX
    ]
    assert not long, f"more than {FUNCTION_LINES_MAX} lines: name its steps: {long}"


def test_no_file_has_a_vague_name() -> None:
    vague = [
        shown(path) for path in PYTHON if VAGUE_NAMES & {path.stem, *path.relative_to(ROOT).parts}
    ]
    assert not vague, f"name it for what it does: {vague}"


@pytest.mark.parametrize("pattern", LEAKS, ids=lambda pattern: pattern.pattern)
def test_no_file_names_a_machine_or_a_registry(pattern: re.Pattern[str]) -> None:
    named = [shown(path) for path in TRACKED if pattern.search(text_of(path) or "")]
    assert not named, "it will not be there on the reader's machine"


def test_no_file_is_left_unfinished() -> None:
    unfinished = [shown(path) for path in PYTHON if UNFINISHED.search(path.read_text())]
    assert not unfinished, "do it, or say in the changelog that it is not done"

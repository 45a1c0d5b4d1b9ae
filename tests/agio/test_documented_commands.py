"""Every `agio` command that a document names is there, with the options that it is given."""

import re
import shlex
from pathlib import Path

import click
import pytest

from agio.__main__ import main

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")])
BLOCK = re.compile(
    r"^(?: {4})?(?:[A-Z_]+=\S+ |docker compose exec \S+ )*(agio [a-z].*)$", re.MULTILINE
)
INLINE = re.compile(r"`(agio [a-z-]+[^`]*)`")


def fault_of(line: str) -> str | None:
    """Return what a command line names and does not exist."""
    words = shlex.split(line, comments=True)[1:]
    command: click.Command = main
    while isinstance(command, click.Group) and words and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    if isinstance(command, click.Group) and words and re.fullmatch("[a-z][a-z-]*", words[0]):
        return f"no command {words[0]!r}"
    options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
    unknown = [word for word in words if word.startswith("--") and word not in options]
    return f"no option {unknown[0]}" if unknown else None


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_commands_of_a_document_are_there(document: Path) -> None:
    text = document.read_text()
    lines = [line.replace("\n", " ") for line in BLOCK.findall(text) + INLINE.findall(text)]
    faults = [f"{line}: {fault}" for line in lines if (fault := fault_of(line))]
    assert not faults


def test_a_stale_document_would_be_found() -> None:
    assert fault_of("agio account make alice") == "no command 'make'"
    assert fault_of("agio up --port 1") == "no option --port"
    assert fault_of("agio fix-session make FIRM DESK1 --heartbeat-min 5  # a comment") is None

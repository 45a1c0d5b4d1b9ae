"""What `agio --help` shows: every command once, in words that end where the sentence does."""

import subprocess
import sys

from click.testing import CliRunner

from agio.__main__ import main
from agio.help_page import SECTIONS


def test_every_command_is_in_one_section() -> None:
    shown = [name for names in SECTIONS.values() for name in names]
    assert sorted(shown) == sorted(main.commands)


def test_no_command_is_told_of_in_half_a_sentence() -> None:
    told = CliRunner().invoke(main, ["--help"]).output
    assert told.count("...") == 1  # of [ARGS]...
    assert "Show services, rates, latencies by hop, queues, lags and sessions" in told


def test_the_help_waits_for_no_library_that_few_commands_need() -> None:
    program = "import sys, agio.__main__; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"boto3", "pyarrow", "aiohttp", "asyncpg", "quickfix"} & set(loaded)

"""The copies as `pg_dump` and `pg_restore` make and load them, with what these have to say."""

import pytest
from structlog.testing import capture_logs

from accounts.edge.schema import migrate
from agio.backup import postgres_copy
from agio.backup.postgres_copy import SAID_BYTES_MAX, PostgresToolError

PIPE_BYTES = 65_536


@pytest.mark.parametrize("size_bytes", [10, 100 * PIPE_BYTES])
def test_what_is_no_copy_is_refused_in_the_tools_words(postgres_url: str, size_bytes: int) -> None:
    with pytest.raises(PostgresToolError, match="input file"):
        postgres_copy.load(postgres_url, [b"x" * size_bytes])


async def test_a_copy_that_can_not_be_loaded_says_why_and_leaves_nothing(postgres_url: str) -> None:
    await migrate(postgres_url)
    copy = list(postgres_copy.copy_desk(postgres_url))
    before = await postgres_copy.desk_state(postgres_url)
    with pytest.raises(PostgresToolError, match="duplicate key value") as raised:
        postgres_copy.load(postgres_url, copy)  # the venue's own accounts are there already
    assert len(str(raised.value)) <= SAID_BYTES_MAX
    assert await postgres_copy.desk_state(postgres_url) == before


async def test_what_a_tool_says_beside_its_work_is_logged(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(postgres_url)
    monkeypatch.setenv("PGOPTIONS", "-c client_min_messages=debug5")
    with capture_logs() as logs:
        assert b"".join(postgres_copy.copy_desk(postgres_url))
    [said] = logs
    assert (said["event"], said["program"]) == ("said", "pg_dump")
    assert "CommitTransaction" in said["text"]

"""Maintenances that were announced; at most one of them has not ended."""

from alembic import op

revision = "0009"
down_revision = "0008"

STATEMENTS = (
    """
    CREATE TABLE maintenances (
        announced_at timestamptz PRIMARY KEY DEFAULT now(),
        at_ns bigint NOT NULL,
        text text NOT NULL,
        ended_at timestamptz
    )
    """,
    "CREATE UNIQUE INDEX ON maintenances ((true)) WHERE ended_at IS NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)

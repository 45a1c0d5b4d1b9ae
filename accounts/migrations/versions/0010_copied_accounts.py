"""The other accounts of a firm whose reports a drop-copy session has, too, and since when."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE fix_sessions"
        " ADD COLUMN copied_accounts integer[] NOT NULL DEFAULT '{}',"
        " ADD COLUMN copied_accounts_set_ns bigint NOT NULL DEFAULT 0"
    )

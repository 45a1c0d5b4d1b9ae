"""What the desk has laid down for FIX sessions; `version` rises with each change of any of them."""

from alembic import op

revision = "0007"
down_revision = "0005"

TABLE = """
CREATE TABLE fix_sessions (
    service text NOT NULL,
    account_id integer NOT NULL REFERENCES accounts,
    sender_comp_id text NOT NULL,
    version bigint NOT NULL UNIQUE,
    heartbeat_min_s integer NOT NULL DEFAULT 0,
    heartbeat_max_s integer NOT NULL DEFAULT 0,
    orders_per_s integer NOT NULL DEFAULT 0,
    cancel_on_disconnect text NOT NULL DEFAULT '',
    cancel_grace_ms integer NOT NULL DEFAULT 0,
    reset_time text NOT NULL DEFAULT '',
    reset_time_set_ns bigint NOT NULL DEFAULT 0,
    hours text NOT NULL DEFAULT '',
    addresses text[] NOT NULL DEFAULT '{}',
    certificate text NOT NULL DEFAULT '',
    disabled text NOT NULL DEFAULT '',
    reset_after_ns bigint NOT NULL DEFAULT 0,
    logout_after_ns bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (service, account_id, sender_comp_id)
)
"""


def upgrade() -> None:
    op.execute(TABLE)

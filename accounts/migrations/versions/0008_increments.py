"""Instruments' increments: of how many of its ticks and lots orders are multiples."""

from alembic import op

revision = "0008"
down_revision = "0007"

COLUMNS = ("price_increment_ticks", "quantity_increment_lots")


def upgrade() -> None:
    for column in COLUMNS:
        op.execute(f"ALTER TABLE instruments ADD COLUMN {column} bigint NOT NULL DEFAULT 1")

"""Fees by tier, and the accounts' tiers. Instrument 0 stands for all."""

from alembic import op

revision = "0004"
down_revision = "0003"

TABLES = (
    """
    CREATE TABLE tier_fees (
        fee_tier integer NOT NULL,
        instrument_id integer NOT NULL,
        maker_fee_ppm integer NOT NULL,
        taker_fee_ppm integer NOT NULL,
        PRIMARY KEY (fee_tier, instrument_id)
    )
    """,
    """
    CREATE TABLE fee_tiers (
        account_id integer PRIMARY KEY,
        fee_tier integer NOT NULL
    )
    """,
)


def upgrade() -> None:
    for table in TABLES:
        op.execute(table)

"""Trades that were busted or corrected: `trades` keeps what happened, this what became of it."""

from alembic import op

revision = "0005"
down_revision = "0004"

STATEMENTS = (
    """
    -- A busted trade is one of no lots.
    CREATE TABLE trade_amendments (
        instrument_id integer NOT NULL,
        trade_id bigint NOT NULL,
        amendments integer NOT NULL,
        sequence bigint NOT NULL,
        event_index integer NOT NULL,
        timestamp_ns bigint NOT NULL,
        price_ticks bigint NOT NULL,
        quantity_lots bigint NOT NULL,
        base_units bigint NOT NULL,
        quote_units bigint NOT NULL,
        buyer_fee_units bigint NOT NULL,
        seller_fee_units bigint NOT NULL,
        PRIMARY KEY (instrument_id, trade_id, amendments)
    )
    """,
    """
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON trade_amendments
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)

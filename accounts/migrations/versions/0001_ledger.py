"""Accounts and their keys, the ledger, and how far it has been settled.

Money is bigint in an asset's smallest units. What comes from the journal (assets to settled)
refers to accounts by number alone, without a foreign key: the journal has decided, and a ledger
that refused it would only fall behind.
"""

from alembic import op

revision = "0001"
down_revision = None

PEOPLE = (
    """
    CREATE TABLE accounts (
        account_id integer PRIMARY KEY CHECK (account_id >= -1),
        name text NOT NULL UNIQUE,
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    -- The venue's own: see accounts.ledger.
    INSERT INTO accounts (account_id, name) VALUES (-1, 'custody'), (0, 'fees')
    """,
    """
    CREATE TABLE api_keys (
        api_key text PRIMARY KEY,
        account_id integer NOT NULL REFERENCES accounts CHECK (account_id > 0),
        label text NOT NULL,
        permissions text[] NOT NULL,
        sender_comp_ids text[] NOT NULL,
        sealed_secret bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        revoked_at timestamptz
    )
    """,
    """
    CREATE INDEX ON api_keys (account_id)
    """,
    """
    CREATE TABLE audit (
        audit_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
        at timestamptz NOT NULL DEFAULT now(),
        actor text NOT NULL,
        action text NOT NULL,
        target text NOT NULL,
        result text NOT NULL
    )
    """,
)

LISTINGS = (
    """
    CREATE TABLE assets (
        asset_id integer PRIMARY KEY,
        name text NOT NULL UNIQUE,
        scale smallint NOT NULL
    )
    """,
    """
    CREATE TABLE instruments (
        instrument_id integer PRIMARY KEY,
        symbol text NOT NULL UNIQUE,
        base_asset_id integer NOT NULL REFERENCES assets,
        quote_asset_id integer NOT NULL REFERENCES assets,
        lot_units bigint NOT NULL,
        tick_lot_units bigint NOT NULL,
        notional_units_min bigint NOT NULL,
        maker_fee_ppm integer NOT NULL,
        taker_fee_ppm integer NOT NULL,
        phase smallint NOT NULL
    )
    """,
)

LEDGER = (
    """
    CREATE TABLE entries (
        sequence bigint NOT NULL,
        event_index integer NOT NULL,
        leg_index smallint NOT NULL,
        account_id integer NOT NULL,
        asset_id integer NOT NULL,
        units bigint NOT NULL CHECK (units <> 0),
        PRIMARY KEY (sequence, event_index, leg_index)
    )
    """,
    """
    -- The sum of each account's entries. Only custody, the world outside, may owe.
    CREATE TABLE balances (
        account_id integer NOT NULL,
        asset_id integer NOT NULL,
        units bigint NOT NULL CHECK (units >= 0 OR account_id = -1),
        PRIMARY KEY (account_id, asset_id)
    ) WITH (fillfactor = 50)  -- room for a row's new version on its page, which spares the index
    """,
    """
    CREATE TABLE trades (
        instrument_id integer NOT NULL,
        trade_id bigint NOT NULL,
        sequence bigint NOT NULL,
        event_index integer NOT NULL,
        timestamp_ns bigint NOT NULL,
        price_ticks bigint NOT NULL,
        quantity_lots bigint NOT NULL,
        base_units bigint NOT NULL,
        quote_units bigint NOT NULL,
        buyer_account_id integer NOT NULL,
        seller_account_id integer NOT NULL,
        buyer_order_id bigint NOT NULL,
        seller_order_id bigint NOT NULL,
        buyer_fee_units bigint NOT NULL,
        seller_fee_units bigint NOT NULL,
        buyer_is_maker boolean NOT NULL,
        PRIMARY KEY (instrument_id, trade_id)
    )
    """,
    """
    CREATE TABLE settled (
        single boolean PRIMARY KEY DEFAULT true CHECK (single),
        settled_sequence bigint NOT NULL CHECK (settled_sequence >= 0)
    )
    """,
    """
    INSERT INTO settled (settled_sequence) VALUES (0)
    """,
)

APPEND_ONLY = (
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
            USING ERRCODE = 'insufficient_privilege';
    END
    $$
    """,
    """
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entries
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON trades
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
)


def upgrade() -> None:
    # One at a time: asyncpg prepares each.
    for statement in (*PEOPLE, *LISTINGS, *LEDGER, *APPEND_ONLY):
        op.execute(statement)

"""Instruments' limits: see `vocabulary.limits`. That of an order's least worth was there before."""

from alembic import op

revision = "0002"
down_revision = "0001"

COLUMNS = (
    "quantity_lots_min bigint",
    "quantity_lots_max bigint",
    "notional_units_max bigint",
    "open_orders_max integer",
    "price_band_ppm integer",
    "market_collar_ppm integer",
    "volatility_band_ppm integer",
    "volatility_auction_ns bigint",
)


def upgrade() -> None:
    for column in COLUMNS:
        op.execute(f"ALTER TABLE instruments ADD COLUMN {column} NOT NULL DEFAULT 0")

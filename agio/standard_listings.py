"""What a new venue lists by itself, so that there is something to trade."""

from http import HTTPStatus
from typing import Any, NamedTuple

from agio.ops_client import OpsClient, OpsError
from vocabulary.instrument import decimal_text

ASSET_SCALES = {"BTC": 8, "ETH": 8, "USDT": 8}
MAKER_FEE_PPM = 200
TAKER_FEE_PPM = 400


class Listing(NamedTuple):
    """An instrument. Its increments are 10 ** -scale."""

    symbol: str
    base: str
    quote: str
    tick_scale: int
    lot_scale: int


LISTINGS = (
    Listing("BTCUSDT", "BTC", "USDT", tick_scale=2, lot_scale=5),
    Listing("ETHUSDT", "ETH", "USDT", tick_scale=2, lot_scale=4),
    Listing("ETHBTC", "ETH", "BTC", tick_scale=5, lot_scale=3),
)


async def list_where_bare(ops: OpsClient) -> None:
    """List the above on a venue on which nothing is listed. Raises `OpsError`."""
    listed = await ops.request("GET", "/instruments")
    if listed["instruments"]:
        return
    for name, scale in ASSET_SCALES.items():
        await post_if_missing(ops, "/assets", {"name": name, "scale": scale})
    for listing in LISTINGS:
        instrument = {
            "symbol": listing.symbol,
            "base": listing.base,
            "quote": listing.quote,
            "tick_size": decimal_text(1, listing.tick_scale),
            "lot_size": decimal_text(1, listing.lot_scale),
            "notional_min": "0",
            "maker_fee_ppm": MAKER_FEE_PPM,
            "taker_fee_ppm": TAKER_FEE_PPM,
        }
        await post_if_missing(ops, "/instruments", instrument)


async def post_if_missing(ops: OpsClient, path: str, body: dict[str, Any]) -> None:
    """Create what `body` says, which a start that was cut short may have created already."""
    try:
        await ops.request("POST", path, body)
    except OpsError as error:
        if error.status != HTTPStatus.CONFLICT:
            raise

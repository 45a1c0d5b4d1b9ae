"""Who plays: lists what is traded, makes the accounts, funds them and gives them keys, once."""

import os
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec

from agio.demo.market import ASSET_SCALES, FUNDS, MAKER_FEE_PPM, MARKETS, TAKER_FEE_PPM
from agio.ops_client import OpsClient, OpsError

FIX_TRADERS = ("demo-fix-1", "demo-fix-2")
WEBSOCKET_TRADERS = ("demo-websocket-1", "demo-websocket-2")
VISITOR = "demo"  # for whoever watches, to trade along
CREDENTIALS_FILE = "demo-credentials.json"


class Player(msgspec.Struct, frozen=True):
    """An account of the demo with its API key."""

    account: str
    api_key: str
    secret: str


async def gather_players(ops: OpsClient, data: Path) -> dict[str, Player]:
    """Return the players by account, from `data` where a demo ran before. Raises `OpsError`."""
    file = data / CREDENTIALS_FILE
    players: dict[str, Player] = {}
    if file.exists():
        players = msgspec.json.decode(file.read_bytes(), type=dict[str, Player])
    await _list_markets(ops)
    for name in (*FIX_TRADERS, *WEBSOCKET_TRADERS, VISITOR):
        if name not in players:
            await _make_if_missing(ops, "/accounts", {"name": name})
            for asset, amount in FUNDS.items():
                await ops.credit(name, asset, amount)
            key = await ops.create_key(name, [], [], "demo")
            players[name] = Player(name, key["api_key"], key["secret"])
            _keep(file, players)  # at once: a start that is cut short is finished by the next
    return players


async def _list_markets(ops: OpsClient) -> None:
    listed = await ops.request("GET", "/instruments")
    symbols = {instrument["symbol"] for instrument in listed["instruments"]}
    if symbols.issuperset(market.symbol for market in MARKETS):
        return
    for name, scale in ASSET_SCALES.items():
        await _make_if_missing(ops, "/assets", {"name": name, "scale": scale})
    for market in MARKETS:
        instrument = {
            "symbol": market.symbol,
            "base": market.base,
            "quote": market.quote,
            "tick_size": market.tick_size,
            "lot_size": market.lot_size,
            "notional_min": "0",
            "maker_fee_ppm": MAKER_FEE_PPM,
            "taker_fee_ppm": TAKER_FEE_PPM,
        }
        await _make_if_missing(ops, "/instruments", instrument)


async def _make_if_missing(ops: OpsClient, path: str, body: dict[str, Any]) -> None:
    try:
        await ops.request("POST", path, body)
    except OpsError as error:
        if error.status != HTTPStatus.CONFLICT:
            raise


def _keep(file: Path, players: dict[str, Player]) -> None:
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    unfinished.touch(mode=0o600)
    unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(players)))
    unfinished.rename(file)

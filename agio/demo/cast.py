"""Who plays: makes the accounts, funds them and gives them keys, once."""

import os
from pathlib import Path

import msgspec

from agio.demo.market import FUNDS
from agio.ops_client import OpsClient
from agio.standard_listings import post_if_missing

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
    for name in (*FIX_TRADERS, *WEBSOCKET_TRADERS, VISITOR):
        if name not in players:
            await post_if_missing(ops, "/accounts", {"name": name})
            for asset, amount in FUNDS.items():
                await ops.credit(name, asset, amount)
            key = await ops.create_key(name, [], [], "demo")
            players[name] = Player(name, key["api_key"], key["secret"])
            _keep(file, players)  # at once: a start that is cut short is finished by the next
    return players


def _keep(file: Path, players: dict[str, Player]) -> None:
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    unfinished.touch(mode=0o600)
    unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(players)))
    unfinished.rename(file)

"""The account of whoever watches the demo, to trade along: made, funded and given a key, once."""

import os
from pathlib import Path

import msgspec

from agio.ops_client import OpsClient
from agio.standard_listings import post_if_missing
from agio.trade import FUNDS

VISITOR = "demo"
CREDENTIALS_FILE = "demo-credentials.json"


class Player(msgspec.Struct, frozen=True):
    """An account of the demo with its API key."""

    account: str
    api_key: str
    secret: str


async def welcome_visitor(ops: OpsClient, data: Path) -> Player:
    """Return the visitor, from `data` where a demo ran before. Raises `OpsError`."""
    file = data / CREDENTIALS_FILE
    if file.exists():
        return msgspec.json.decode(file.read_bytes(), type=Player)
    await post_if_missing(ops, "/accounts", {"name": VISITOR})
    for asset, amount in FUNDS.items():
        await ops.credit(VISITOR, asset, amount)
    key = await ops.create_key(VISITOR, [], [], "demo")
    visitor = Player(VISITOR, key["api_key"], key["secret"])
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    unfinished.touch(mode=0o600)
    unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(visitor)))
    unfinished.rename(file)
    return visitor

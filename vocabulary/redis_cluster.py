"""Where the market data's channels and keys lie in a cluster of Redis or Valkey servers.

A cluster's URL is `redis+cluster://[USER:PASSWORD@]HOST:PORT[,HOST:PORT]`, `rediss+cluster://` for
TLS: the hosts are asked which servers there are. In a cluster a name's symbol stands in braces,
`agio:depth:{BTCUSDT}`: what is between them alone decides the slot, so all of a symbol, channels
and snapshots, is on one server. Channels are sharded ones (SPUBLISH, SSUBSCRIBE), and each symbol
has a heartbeat of its own, as only what one server sends has an order.
"""

from __future__ import annotations

import binascii
from typing import Any
from urllib.parse import urlsplit

from vocabulary.market_data import HEARTBEAT_CHANNEL

SLOTS = 16_384
SUFFIX = "+cluster"


def is_cluster(url: str) -> bool:
    return urlsplit(url).scheme.endswith(SUFFIX)


def seed_urls(url: str) -> list[str]:
    """Return the URL of each host that a cluster's URL names."""
    hosts = urlsplit(url).netloc.rpartition("@")[2]
    return [_with_host(url, host) for host in hosts.split(",")]


def node_url(url: str, host: str, port: int) -> str:
    """Return the URL of one of a cluster's servers, with the same user and options."""
    return _with_host(url, f"{host}:{port}")


def tagged(name: str) -> str:
    """Return what a symbol's channel or key is called in a cluster."""
    head, _, symbol = name.rpartition(":")
    return f"{head}:{{{symbol}}}"


def heartbeat_channel(symbol: str) -> str:
    """Return a symbol's heartbeat channel in a cluster."""
    return tagged(f"{HEARTBEAT_CHANNEL}:{symbol}")


def slot(name: str) -> int:
    """Return the slot of a tagged name (Redis cluster specification, key distribution model)."""
    tag = name.partition("{")[2].partition("}")[0]
    return binascii.crc_hqx((tag or name).encode(), 0) % SLOTS


def slot_owners(reply: list[list[Any]], asked: str) -> dict[int, tuple[str, int]]:
    """Return host and port of each slot's server, of the reply to CLUSTER SLOTS.

    A server that does not know its own name gives none: it is the host that was `asked`.
    """
    owners: dict[int, tuple[str, int]] = {}
    for first, last, master, *_replicas in reply:
        host = master[0].decode() if master[0] else asked
        for number in range(first, last + 1):
            owners[number] = (host, master[1])
    return owners


def _with_host(url: str, host: str) -> str:
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    scheme = parts.scheme.removesuffix(SUFFIX)
    return parts._replace(scheme=scheme, netloc=f"{user}{at}{host}").geturl()

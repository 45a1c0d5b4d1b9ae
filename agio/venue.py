"""What a running venue tells about itself: DATA/venue.json, and each service's health."""

import os
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any

import msgspec

from agio.configuration import Configuration, in_url, reachable_host
from agio.services import chosen, metrics_port

FILE_NAME = "venue.json"


class VenueFile(msgspec.Struct, frozen=True):
    """Where the venue's parts are found while it runs. Holds passwords: for this user alone."""

    pid: int
    version: str
    endpoints: dict[str, str]
    health: dict[str, str]
    ops_token_file: str
    journal: str
    postgres_url: str
    redis_url: str
    event_stream_url: str | None = None

    def write(self, data: Path) -> None:
        unfinished = data / f"{FILE_NAME}.{os.getpid()}"
        unfinished.touch(mode=0o600)
        unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(self)) + b"\n")
        unfinished.rename(data / FILE_NAME)


def read(data: Path) -> VenueFile | None:
    """Return what the venue on `data` wrote, or None where none runs."""
    try:
        return msgspec.json.decode((data / FILE_NAME).read_bytes(), type=VenueFile)
    except FileNotFoundError:
        return None


def endpoints(configuration: Configuration) -> dict[str, str]:
    """Return the doors by name: FIX has no URLs, the others have."""
    host = in_url(reachable_host(configuration.host))
    return {
        "fix_order_entry": f"{host}:{configuration.fix_port}",
        "fix_drop_copy": f"{host}:{configuration.fix_drop_copy_port}",
        "fix_market_data": f"{host}:{configuration.fix_market_data_port}",
        "rest": f"http://{host}:{configuration.rest_port}",
        "websocket": f"ws://{host}:{configuration.websocket_port}",
        "ops": configuration.ops_url,
    }


def health_urls(configuration: Configuration) -> dict[str, str]:
    return {
        name: health_url(configuration, metrics_port(configuration, name))
        for name in chosen(configuration)
    }


def health_url(configuration: Configuration, port: int) -> str:
    """Return where a service of this machine with this metrics port says how it is."""
    return f"http://{in_url(reachable_host(configuration.host))}:{port}/health"


def metrics_url(health_url: str) -> str:
    """Return where the service with this `/health` serves its metrics."""
    return health_url.removesuffix("/health") + "/metrics"


def health(url: str, timeout_s: float = 2.0) -> dict[str, Any]:
    """Return what a service says of itself; who does not answer as one does is not ready."""
    try:
        with urllib.request.urlopen(url, timeout=timeout_s) as response:  # noqa: S310 (our own URL)
            body = response.read()
    except urllib.error.HTTPError as error:  # 503: it answers, and is not ready
        body = error.read()
    except (OSError, HTTPException) as error:
        return {"ready": False, "error": str(getattr(error, "reason", error))}
    try:
        state = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError:
        state = {}
    return state if "ready" in state else {"ready": False, "error": f"{url} is no service of ours"}

"""Where a backup has the FIX sessions of gateways on machines of their own.

Each gateway has a store of its own in it, `gateways/NAME/`, with lists of files and their chunks as
the venue has, encrypted by the same secret. A list is named by a sequence that the journal had
reached once its files were read: so they tell of nothing behind it, and a restore takes the newest
list that its journal reaches. Nothing waits for anything.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit, urlunsplit

from agio.backup.contents import FILES, Copy
from objects.encrypted import IDENTITY, EncryptedStore
from objects.store import open_store

GATEWAYS: Final = "gateways"


def gateway_url(url: str, name: str) -> str:
    """Return the URL of a gateway's own store in the backup at `url`."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{GATEWAYS}/{name}"))


def gateway_names(url: str) -> list[str]:
    """Return the gateways that the backup at `url` knows. Raises `StoreFailedError`."""
    keys = open_store(url).keys(f"{GATEWAYS}/")
    return sorted(key.split("/")[1] for key in keys if key.endswith(f"/{IDENTITY}"))


def newest_list(store: EncryptedStore, sequence: int) -> tuple[Copy, bytes] | None:
    """Return a gateway's newest list of files that tells of nothing behind a sequence."""
    parts = store.files(f"{FILES}/")
    reached = [copy for copy in map(Copy.parse, parts) if copy.sequence <= sequence]
    if not reached:
        return None
    copy = max(reached)
    return copy, b"".join(store.read(copy.name, parts[copy.name]))

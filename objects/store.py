"""Where objects lie: a seam with two sides, a plain directory and any S3 API.

An object is whole or absent, and durable once `put` has returned. `put_if` replaces only what the
caller has seen, so that of two writers one is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import parse_qs, unquote, urlsplit


class StoreFailedError(Exception):
    """The store does not answer, or refuses; says why. Trying again may help."""


class ConflictError(Exception):
    """The object is not the one that the caller has seen; names its key."""


class Stored(NamedTuple):
    data: bytes
    version: str
    """What `put_if` compares."""


class ObjectStore(Protocol):
    """Objects by key, a path of `/`. All methods raise `StoreFailedError`."""

    def get(self, key: str) -> Stored | None: ...

    def put(self, key: str, data: bytes) -> None: ...

    def put_if(self, key: str, data: bytes, version: str | None) -> str:
        """Put if the object has this version (None: if there is none) and return its new one.

        Raises `ConflictError`.
        """

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys that begin so, in no order; the prefix ends in `/`."""

    def delete(self, key: str) -> None:
        """Delete the object, if it is there."""


def open_store(url: str) -> ObjectStore:
    """Return the store of `file:///DIRECTORY`, or of `s3://BUCKET[/PREFIX][?endpoint=URL]`.

    Region and credentials of S3 come from where boto3 finds them. Raises `ValueError`.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and parts.path:
        from objects.directory import DirectoryStore

        return DirectoryStore(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        from objects.s3 import S3Store

        endpoint = parse_qs(parts.query).get("endpoint", [None])[0]
        return S3Store(parts.netloc, parts.path.strip("/"), endpoint)
    raise ValueError(f"{url!r} is neither file:///DIRECTORY nor s3://BUCKET[/PREFIX]")

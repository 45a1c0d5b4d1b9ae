"""What stores say of themselves: JSON documents among their objects, strict and of a version."""

from __future__ import annotations

from typing import Protocol, TypeVar

import msgspec


class ManifestError(ValueError):
    """A document that can't be read; says which and why."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document, or a part of one."""


class Versioned(Protocol):
    @property
    def version(self) -> int: ...


Document = TypeVar("Document", bound=Versioned)


def encode(document: Versioned) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def decode(key: str, data: bytes, kind: type[Document], version: int) -> Document:
    """Return the document that lies under a key. Raises `ManifestError`."""
    try:
        document = msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise ManifestError(f"{key}: {error}") from None
    if document.version != version:
        raise ManifestError(f"{key}: version {document.version}, this reads {version}")
    return document

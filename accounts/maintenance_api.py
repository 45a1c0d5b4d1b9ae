"""What the ops desk says to the venue about maintenance, and what it hears back."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from accounts.ops_api import Reply, Request

AHEAD_S_MAX = 30 * 24 * 3600


class AnnounceMaintenance(Request):
    """Maintenance begins `in_s` seconds from now; `text` is told to every client."""

    in_s: Annotated[int, Field(ge=0, le=AHEAD_S_MAX, strict=True)]
    text: Annotated[str, Field(pattern=r"^[ -~]{1,128}$")]


class AnnouncedReply(Reply):
    """When it begins, in UTC nanoseconds, and what it is about."""

    at_ns: int
    text: str


class MaintenanceReply(Reply):
    """What is announced, or going on; null if nothing is."""

    maintenance: AnnouncedReply | None

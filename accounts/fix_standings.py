"""How FIX sessions stand at each gateway, as the gateways tell. Times are monotonic seconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from accounts.fix_session_api import FixStandingReply, Standing

SILENT_S = 10.0
"""After how long without a word it is not known how a gateway's sessions stand."""

FORGOTTEN_S = 24 * 3600.0
SESSIONS_PER_GATEWAY_MAX = 20_000

Key = tuple[str, int, str]
"""A session's service, account and SenderCompID(49)."""


@dataclass
class _Gateway:
    heard_s: float = 0.0
    version: int = 0
    standings: dict[Key, Standing] = field(default_factory=dict)


class FixStandings:
    """In memory: after a restart each gateway tells all of its sessions again."""

    def __init__(self) -> None:
        self._gateways: dict[str, _Gateway] = {}

    def take(self, gateway: str, version: int, told: Iterable[Standing], now_s: float) -> None:
        """Take in what a gateway tells, and up to which version it knows the rules."""
        known = self._gateways.setdefault(gateway, _Gateway())
        known.heard_s, known.version = now_s, version
        for standing in told:
            known.standings.pop(standing[:3], None)
            known.standings[standing[:3]] = standing
        while len(known.standings) > SESSIONS_PER_GATEWAY_MAX:
            del known.standings[next(iter(known.standings))]
        for name, other in list(self._gateways.items()):
            if now_s - other.heard_s > FORGOTTEN_S:
                del self._gateways[name]

    @property
    def keys(self) -> set[Key]:
        """Return every session that a gateway has told of."""
        return {key for gateway in self._gateways.values() for key in gateway.standings}

    def of(self, key: Key, version: int, now_s: float) -> Iterator[FixStandingReply]:
        """Yield how a session stands, whose rule was last changed in this version."""
        for name, gateway in self._gateways.items():
            standing = gateway.standings.get(key)
            if standing is None:
                continue
            _, _, _, state, address, next_sender, next_target, last_received_ms = standing
            is_silent = now_s - gateway.heard_s > SILENT_S
            yield FixStandingReply(
                gateway=name,
                state="unknown" if is_silent else state,
                address=address,
                next_sender_msg_seq_num=next_sender,
                next_target_msg_seq_num=next_target,
                last_received_ms=last_received_ms,
                applied=gateway.version >= version,
            )

    def pending(self, version: int, now_s: float) -> list[str]:
        """Return the gateways that are there, and don't know the rules of this version yet."""
        return [
            name
            for name, gateway in self._gateways.items()
            if gateway.version < version and now_s - gateway.heard_s <= SILENT_S
        ]

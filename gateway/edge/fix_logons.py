"""Who logs on over FIX: by secret or by signature, each signature once, and guesses slowly."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from gateway.auth import (
    AuthFailure,
    Credential,
    LogonProof,
    Unauthorized,
    check_certificate,
    check_logon,
)
from gateway.edge.credentials import CredentialStore
from gateway.edge.used_signatures import UsedSignatures
from gateway.fix import tags
from gateway.fix.codec import FixMessage
from gateway.fix.events import LogonReceived
from gateway.fix.timestamps import parse_utc_timestamp
from gateway.throttle import FailureDelays


class Peer(NamedTuple):
    """The other end: its address, and whose certificate it showed; None if it needs none."""

    address: str
    certificate_name: str | None


class FixLogons:
    """Judges logons. A Logon(A) counts for `tolerance_ns` before and after its SendingTime(52)."""

    def __init__(self, credentials: CredentialStore, file: Path, tolerance_ns: int) -> None:
        self._credentials = credentials
        self._file = file
        self._tolerance_ns = tolerance_ns
        self._delays = FailureDelays()
        self._used: UsedSignatures | None = None

    def start(self) -> None:
        """Read which signatures have been used. Raises `OSError`."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._used = UsedSignatures(self._file, time.time_ns())

    def stop(self) -> None:
        if self._used is not None:
            self._used.close()

    async def judge(
        self, logon: LogonReceived, peer: Peer, permission: str, names: Collection[str]
    ) -> Credential:
        """Return what a Logon(A) opens, if it has a permission; its signature is used up then.

        A client's certificate, where one is asked for, must be made out to one of `names`.
        Raises `Unauthorized`, `CredentialsUnavailableError` and `OSError`.
        """
        credential, signature = await self._check(logon, peer, permission, names)
        if signature:
            assert self._used is not None, "not started"
            now_ns = time.time_ns()
            sent_ns = parse_utc_timestamp(logon.message.get(tags.SendingTime) or b"")
            # Past that the session itself refuses the SendingTime(52).
            if not self._used.use(signature, sent_ns + self._tolerance_ns, now_ns):
                raise Unauthorized(
                    AuthFailure.WRONG_SIGNATURE, "this Logon(A) has been used: sign a new one"
                )
        return credential

    async def check_again(
        self, logon: LogonReceived, peer: Peer, permission: str, names: Collection[str]
    ) -> None:
        """Raise `Unauthorized` if what a Logon(A) was let in by holds no more, else as `judge`."""
        await self._check(logon, peer, permission, names)

    def delay_s(self, logon: LogonReceived, peer: Peer) -> float:
        """Count a refused logon; return how long its answer is to be held back."""
        now_ns = time.time_ns()
        key = f"{peer.address} {username_of(logon)}"
        return max(self._delays.failed(each, now_ns) for each in (peer.address, key)) / 1e9

    async def _check(
        self, logon: LogonReceived, peer: Peer, permission: str, names: Collection[str]
    ) -> tuple[Credential, bytes]:
        comp_id = logon.sender_comp_id.decode("latin-1")
        if peer.certificate_name is not None and peer.certificate_name not in names:
            check_certificate(peer.certificate_name, comp_id)
        credential = await self._credentials.get(username_of(logon))
        return check_logon(credential, proof_of(logon), comp_id, permission)


def username_of(logon: LogonReceived) -> str:
    return (logon.username or b"").decode("ascii", "replace")


def proof_of(logon: LogonReceived) -> LogonProof:
    return LogonProof(
        logon.password or b"",
        logon.message.get(tags.RawData) or b"",
        signed_part(logon.message),
    )


def signed_part(logon: FixMessage) -> bytes:
    """Return what a Logon(A)'s signature signs."""
    fields = (
        tags.MsgType,
        tags.SenderCompID,
        tags.TargetCompID,
        tags.MsgSeqNum,
        tags.SendingTime,
    )
    return b"\x01".join(logon.get(tag) or b"" for tag in fields)

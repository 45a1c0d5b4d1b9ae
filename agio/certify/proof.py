"""How the client that is certified is to prove who it is, and whether a Logon(A) does."""

from __future__ import annotations

from gateway.auth import Credential, LogonProof, Unauthorized, check_logon
from gateway.edge.fix_logons import signed_part
from gateway.fix import tags
from gateway.fix.codec import FixMessage

_SIGNED = (
    "of MsgType(35), SenderCompID(49), TargetCompID(56), MsgSeqNum(34) and SendingTime(52), "
    "as they stand in this Logon(A), joined by SOH"
)


class ExpectedProof:
    """A signature: Ed25519 by the owner of a public key, or HMAC-SHA256 by a secret."""

    def __init__(self, *, public_key: bytes = b"", secret: str = "") -> None:
        permissions = frozenset({"trade"})
        self._credential = Credential("", secret, 1, (), permissions, public_key)
        self._used: set[bytes] = set()

    def fault(self, logon: FixMessage) -> str:
        """Return what is wrong with a Logon(A)'s proof, "" if nothing is."""
        password, raw_data = logon.get(tags.Password) or b"", logon.get(tags.RawData) or b""
        proof = LogonProof(password, raw_data, signed_part(logon))
        try:
            _, signature = check_logon(self._credential, proof, "", "trade")
        except Unauthorized:
            if self._credential.public_key:
                return f"RawData(96) is not the key's Ed25519 signature, in base64, {_SIGNED}"
            return f"Password(554) is not the HMAC-SHA256, in hexadecimal digits, {_SIGNED}"
        if not signature:
            return f"Password(554) is the secret itself: send its HMAC-SHA256 {_SIGNED}"
        if signature in self._used:
            return "the signature is that of a Logon(A) before: sign each anew"
        self._used.add(signature)
        return ""

"""Who may do what: passwords, signatures, the window of a request's timestamp, permissions.

Comparisons take the same time wherever two values differ.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from enum import Enum, auto
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

RECEIVE_WINDOW_MS_MAX = 60_000
AHEAD_MS_MAX = 1_000
"""How far a client's clock may be ahead of ours."""


class Credential(NamedTuple):
    """An API key and what it opens. No `sender_comp_ids`: it may log on under any.

    Its owner proves to be that by a shared `secret`, or by signatures that the `public_key`
    (Ed25519, 32 bytes) verifies; the other one is empty.
    """

    api_key: str
    secret: str
    account_id: int
    sender_comp_ids: tuple[str, ...]
    permissions: frozenset[str]
    public_key: bytes = b""

    def __repr__(self) -> str:
        return f"Credential(api_key={self.api_key!r}, account_id={self.account_id})"


class Identity(NamedTuple):
    """Whose FIX session it is, by the account's number and SenderCompID(49)."""

    account_id: int
    sender_comp_id: bytes


class AuthFailure(Enum):
    UNKNOWN_KEY = auto()
    WRONG_PASSWORD = auto()
    WRONG_SIGNATURE = auto()
    OUTSIDE_RECEIVE_WINDOW = auto()
    WRONG_COMP_ID = auto()
    NOT_PERMITTED = auto()


class Unauthorized(Exception):
    """A request that its sender may not make; the text is fit for the sender's eyes."""

    def __init__(self, failure: AuthFailure, text: str) -> None:
        super().__init__(text)
        self.failure = failure
        self.text = text


class LogonProof(NamedTuple):
    """What a Logon(A) brings to prove who sends it.

    `signed` is MsgType(35), SenderCompID(49), TargetCompID(56), MsgSeqNum(34) and SendingTime(52)
    joined by SOH; `raw_data` an Ed25519 signature of it in base64; `password` the secret itself, or
    the HMAC-SHA256 of it in hexadecimal digits. (binance-spot-api-docs, fix-api.md, "Logon".)
    """

    password: bytes
    raw_data: bytes
    signed: bytes


def check_logon(
    credential: Credential | None, proof: LogonProof, sender_comp_id: str, permission: str
) -> tuple[Credential, bytes]:
    """Return the credential of a FIX logon and the signature that proved it.

    Raises `Unauthorized`. A signature may be used once, which the caller sees to; it is empty where
    the secret itself was given. An unknown key and a wrong proof read the same: a logon must not
    tell which keys exist.
    """
    used = _proven_by(credential, proof) if credential is not None else None
    if credential is None or used is None:
        failure = AuthFailure.UNKNOWN_KEY if credential is None else AuthFailure.WRONG_PASSWORD
        raise Unauthorized(failure, "Username(553), Password(554) or RawData(96) is wrong")
    if credential.sender_comp_ids and sender_comp_id not in credential.sender_comp_ids:
        raise Unauthorized(
            AuthFailure.WRONG_COMP_ID, "SenderCompID(49) is not one of this key's CompIDs"
        )
    check_permission(credential, permission)
    return credential, used


def check_certificate(common_name: str, sender_comp_id: str) -> None:
    """Raise `Unauthorized` unless a client's certificate is made out to its CompID."""
    if common_name != sender_comp_id:
        raise Unauthorized(
            AuthFailure.WRONG_COMP_ID,
            f"SenderCompID(49) is not {common_name!r}, to whom the certificate belongs",
        )


def signature(secret: str, payload: bytes) -> str:
    """Return the HMAC-SHA256 of a payload in hexadecimal digits."""
    return hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()


def check_signature(credential: Credential, payload: bytes, given: str) -> None:
    """Raise `Unauthorized` unless `given` signs the payload.

    It is in base64 if the key is a public one, otherwise in hexadecimal digits of either case.
    """
    if credential.public_key:
        is_valid = _ed25519_signature(credential.public_key, payload, given.encode()) is not None
    else:
        expected = signature(credential.secret, payload).encode()
        is_valid = hmac.compare_digest(expected, given.lower().encode())
    if not is_valid:
        raise Unauthorized(AuthFailure.WRONG_SIGNATURE, "signature is not valid for this request")


def check_receive_window(timestamp_ms: int, receive_window_ms: int, now_ns: int) -> None:
    """Raise `Unauthorized` for a timestamp older than the window or too far ahead of our clock."""
    now_ms = now_ns // 1_000_000
    if timestamp_ms >= now_ms + AHEAD_MS_MAX:
        raise Unauthorized(
            AuthFailure.OUTSIDE_RECEIVE_WINDOW,
            f"timestamp {timestamp_ms} is {timestamp_ms - now_ms} ms ahead of the server's time",
        )
    if now_ms - timestamp_ms > min(receive_window_ms, RECEIVE_WINDOW_MS_MAX):
        raise Unauthorized(
            AuthFailure.OUTSIDE_RECEIVE_WINDOW,
            f"timestamp {timestamp_ms} is older than the window of {receive_window_ms} ms",
        )


def check_permission(credential: Credential, permission: str) -> None:
    """Raise `Unauthorized` unless the key has a permission, "read" or "trade"."""
    if permission not in credential.permissions:
        raise Unauthorized(AuthFailure.NOT_PERMITTED, f"this key has no permission to {permission}")


def _proven_by(credential: Credential, proof: LogonProof) -> bytes | None:
    """Return the signature that is right, empty if the secret is; None if nothing is."""
    if credential.public_key:
        return _ed25519_signature(credential.public_key, proof.signed, proof.raw_data)
    by_secret = hmac.compare_digest(credential.secret.encode(), proof.password)
    digits = proof.password.lower()
    by_signature = hmac.compare_digest(signature(credential.secret, proof.signed).encode(), digits)
    if by_secret:
        return b""
    return digits if by_signature else None


def _ed25519_signature(public_key: bytes, signed: bytes, given: bytes) -> bytes | None:
    """Return the signature that `given` is in base64, if it is one."""
    try:
        decoded = base64.b64decode(given, validate=True)
        Ed25519PublicKey.from_public_bytes(public_key).verify(decoded, signed)
    except (binascii.Error, InvalidSignature):
        return None
    return decoded

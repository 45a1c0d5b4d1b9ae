"""Who may do what: passwords, signatures, the window of a request's timestamp, permissions.

Comparisons take the same time wherever two values differ.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import Enum, auto
from typing import NamedTuple

RECEIVE_WINDOW_MS_DEFAULT = 5_000
RECEIVE_WINDOW_MS_MAX = 60_000
AHEAD_MS_MAX = 1_000
"""How far a client's clock may be ahead of ours."""


class Credential(NamedTuple):
    """An API key and what it opens. No `sender_comp_ids`: it may log on under any."""

    api_key: str
    secret: str
    account_id: int
    sender_comp_ids: tuple[str, ...]
    permissions: frozenset[str]

    def __repr__(self) -> str:
        return f"Credential(api_key={self.api_key!r}, account_id={self.account_id})"


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


def check_logon(
    credential: Credential | None, password: bytes, sender_comp_id: str, permission: str
) -> Credential:
    """Return the credential of a FIX logon. Raises `Unauthorized`.

    An unknown key and a wrong password read the same: a logon must not tell which keys exist.
    """
    expected = credential.secret.encode() if credential is not None else b""
    is_equal = hmac.compare_digest(expected, password)
    if credential is None or not is_equal:
        failure = AuthFailure.UNKNOWN_KEY if credential is None else AuthFailure.WRONG_PASSWORD
        raise Unauthorized(failure, "Username(553) or Password(554) is wrong")
    if credential.sender_comp_ids and sender_comp_id not in credential.sender_comp_ids:
        raise Unauthorized(
            AuthFailure.WRONG_COMP_ID, "SenderCompID(49) is not one of this key's CompIDs"
        )
    check_permission(credential, permission)
    return credential


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
    """Raise `Unauthorized` unless `given` signs the payload, in digits of either case."""
    expected = signature(credential.secret, payload).encode()
    if not hmac.compare_digest(expected, given.lower().encode()):
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

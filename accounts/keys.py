"""API keys: how they are made, what they permit, and how their secrets are kept.

An HMAC secret must be known to check a signature, so it can't be hashed. It is encrypted at rest
with the venue's master key (AES-256-GCM), bound to its API key: a sealed secret copied to another
key's row does not open. An Ed25519 key has no secret of ours: its owner keeps the private part.
"""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_public_key

API_KEY_BYTES = 20
SECRET_BYTES = 32
NONCE_BYTES = 12  # NIST SP 800-38D, 5.2.1.1: 96 bits are recommended
MASTER_KEY_BYTES = 32

SMALL_ORDER_KEYS = frozenset(
    bytes.fromhex(point)
    for point in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)
"""Ed25519's points of small order, without their sign: with one for a key, signatures that hold for
many messages are made without a private part."""

COMP_ID = r"^[!-~]{1,64}$"
"""What SenderCompID(49) a key may be bound to: visible ASCII."""


class SealError(Exception):
    """A sealed secret does not open: another master key sealed it, or it was tampered with."""


class Key(NamedTuple):
    """What is known of a key to anyone who may ask. No `sender_comp_ids`: any.

    `public_key` is Ed25519's 32 bytes, None where the key has a secret.
    """

    api_key: str
    account_id: int
    label: str
    permissions: tuple[str, ...]
    sender_comp_ids: tuple[str, ...]
    public_key: bytes | None = None


class Credential(NamedTuple):
    """An API key and its secret, both ASCII."""

    api_key: str
    secret: str


def new_credential(randomness: bytes) -> Credential:
    """Return a key and a secret made of `API_KEY_BYTES + SECRET_BYTES` random bytes."""
    assert len(randomness) == API_KEY_BYTES + SECRET_BYTES
    api_key = base64.b32encode(randomness[:API_KEY_BYTES]).decode("ascii")
    # Without padding 52 characters of A to Z and 2 to 7: FIX clients keep a Password(554) in
    # buffers of 64, and some templates take other characters for their own.
    secret = base64.b32encode(randomness[API_KEY_BYTES:]).decode("ascii").rstrip("=")
    return Credential(api_key, secret)


def parse_public_key(text: str) -> bytes:
    """Return the 32 bytes of an Ed25519 public key, given in PEM or as those in base64.

    Raises `ValueError`.
    """
    try:
        if text.lstrip().startswith("-----BEGIN"):
            key = load_pem_public_key(text.encode())
        else:
            raw = base64.b64decode(text.strip(), validate=True)
            key = Ed25519PublicKey.from_public_bytes(raw)
    except (binascii.Error, UnsupportedAlgorithm, ValueError) as error:
        raise ValueError(f"no Ed25519 public key in PEM or base64: {error}") from error
    if isinstance(key, Ed25519PublicKey):
        found = key.public_bytes_raw()
        if found[:-1] + bytes([found[-1] & 0x7F]) in SMALL_ORDER_KEYS:
            raise ValueError("an Ed25519 public key of small order, which signs for anyone")
        return found
    raise ValueError(f"a public key of another kind than Ed25519: {type(key).__name__}")


class SecretBox:
    """Seals and opens secrets with the master key, of `MASTER_KEY_BYTES` bytes."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != MASTER_KEY_BYTES:
            raise ValueError(f"master key of {len(master_key)} bytes, not {MASTER_KEY_BYTES}")
        self._cipher = AESGCM(master_key)

    def seal(self, credential: Credential, nonce: bytes) -> bytes:
        """Return the secret encrypted, behind its nonce: `NONCE_BYTES` bytes never used twice."""
        assert len(nonce) == NONCE_BYTES
        secret, api_key = credential.secret.encode("ascii"), credential.api_key.encode("ascii")
        return nonce + self._cipher.encrypt(nonce, secret, api_key)

    def open(self, api_key: str, sealed: bytes) -> str:
        """Return a key's secret. Raises `SealError`."""
        nonce, encrypted = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, encrypted, api_key.encode("ascii")).decode("ascii")
        except InvalidTag as error:
            raise SealError(f"the secret of API key {api_key} does not open") from error

import base64

import pytest

from accounts.keys import (
    API_KEY_BYTES,
    NONCE_BYTES,
    SECRET_BYTES,
    SMALL_ORDER_KEYS,
    Credential,
    SealError,
    SecretBox,
    new_credential,
    parse_public_key,
)

MASTER_KEY = bytes(range(32))
NONCE = b"n" * NONCE_BYTES
CREDENTIAL = Credential("KEYOFALICE", "5ecre7")


def test_credential_is_made_of_all_the_randomness() -> None:
    low = new_credential(bytes(API_KEY_BYTES + SECRET_BYTES))
    for index in range(API_KEY_BYTES + SECRET_BYTES):
        changed = bytearray(API_KEY_BYTES + SECRET_BYTES)
        changed[index] = 1
        assert new_credential(bytes(changed)) != low
    assert low.api_key == "A" * 32
    assert low.secret == "A" * 52


def test_sealed_secret_opens_and_does_not_show() -> None:
    box = SecretBox(MASTER_KEY)
    sealed = box.seal(CREDENTIAL, NONCE)
    assert CREDENTIAL.secret.encode() not in sealed
    assert box.open(CREDENTIAL.api_key, sealed) == CREDENTIAL.secret


def test_sealed_secret_opens_for_its_own_key_only() -> None:
    sealed = SecretBox(MASTER_KEY).seal(CREDENTIAL, NONCE)
    with pytest.raises(SealError, match="API key MALLORY"):
        SecretBox(MASTER_KEY).open("MALLORY", sealed)


def test_sealed_secret_opens_with_the_right_master_key_only() -> None:
    sealed = SecretBox(MASTER_KEY).seal(CREDENTIAL, NONCE)
    with pytest.raises(SealError):
        SecretBox(bytes(32)).open(CREDENTIAL.api_key, sealed)


def test_any_flipped_bit_is_noticed() -> None:
    box = SecretBox(MASTER_KEY)
    sealed = box.seal(CREDENTIAL, NONCE)
    for bit in range(8 * len(sealed)):
        flipped = bytearray(sealed)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealError):
            box.open(CREDENTIAL.api_key, bytes(flipped))


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_master_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=f"master key of {length} bytes, not 32"):
        SecretBox(bytes(length))


def test_a_public_key_that_signs_for_anyone_is_refused() -> None:
    """Of small order: with an all-zero key some all but empty signatures hold for many messages."""
    for low in SMALL_ORDER_KEYS:
        for raw in (low, low[:-1] + bytes([low[-1] | 0x80])):
            with pytest.raises(ValueError, match="Ed25519"):
                parse_public_key(base64.b64encode(raw).decode())

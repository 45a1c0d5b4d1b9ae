import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import auth
from gateway.auth import AuthFailure, Credential, LogonProof, Unauthorized

CREDENTIAL = Credential("key", "s3cret", 7, ("TRADER1",), frozenset({"read", "trade"}))
PRIVATE_KEY = Ed25519PrivateKey.generate()
SIGNER = CREDENTIAL._replace(secret="", public_key=PRIVATE_KEY.public_key().public_bytes_raw())
SIGNED = b"A\x01TRADER1\x01AGIO\x011\x0120261122-12:00:00.000"
NOW_NS = 1_700_000_000_000_000_000
NOW_MS = NOW_NS // 1_000_000


def failure_of(call: object, *arguments: object) -> AuthFailure:
    assert callable(call)
    with pytest.raises(Unauthorized) as refused:
        call(*arguments)
    assert "s3cret" not in refused.value.text
    return refused.value.failure


def password(text: bytes) -> LogonProof:
    return LogonProof(text, b"", SIGNED)


def test_a_logon_needs_key_password_comp_id_and_permission() -> None:
    right = password(b"s3cret")
    assert auth.check_logon(CREDENTIAL, right, "TRADER1", "trade") == (CREDENTIAL, b"")
    check = auth.check_logon
    nothing, wrong = password(b""), password(b"no")
    assert failure_of(check, None, nothing, "TRADER1", "trade") is AuthFailure.UNKNOWN_KEY
    assert failure_of(check, CREDENTIAL, wrong, "TRADER1", "trade") is AuthFailure.WRONG_PASSWORD
    assert failure_of(check, CREDENTIAL, right, "X", "trade") is AuthFailure.WRONG_COMP_ID
    reader = CREDENTIAL._replace(permissions=frozenset({"read"}))
    assert failure_of(check, reader, right, "TRADER1", "trade") is AuthFailure.NOT_PERMITTED


def test_a_logon_does_not_tell_which_keys_exist() -> None:
    texts = set()
    for credential in (None, CREDENTIAL, SIGNER):
        with pytest.raises(Unauthorized) as refused:
            auth.check_logon(credential, password(b"no"), "TRADER1", "trade")
        texts.add(refused.value.text)
    assert len(texts) == 1


def test_a_key_bound_to_no_comp_id_takes_any() -> None:
    unbound = CREDENTIAL._replace(sender_comp_ids=())
    assert auth.check_logon(unbound, password(b"s3cret"), "ANY", "trade")[0] is unbound


def test_a_logon_may_be_signed_with_the_secret_instead_of_telling_it() -> None:
    digits = auth.signature("s3cret", SIGNED).encode()
    for given in (digits, digits.upper()):
        found = auth.check_logon(CREDENTIAL, LogonProof(given, b"", SIGNED), "TRADER1", "trade")
        assert found == (CREDENTIAL, digits)
    other = LogonProof(digits, b"", SIGNED + b"0")
    failure = failure_of(auth.check_logon, CREDENTIAL, other, "TRADER1", "trade")
    assert failure is AuthFailure.WRONG_PASSWORD


def test_a_logon_signed_with_ed25519() -> None:
    signature = PRIVATE_KEY.sign(SIGNED)
    proof = LogonProof(b"", base64.b64encode(signature), SIGNED)
    assert auth.check_logon(SIGNER, proof, "TRADER1", "trade") == (SIGNER, signature)
    stranger = base64.b64encode(Ed25519PrivateKey.generate().sign(SIGNED))
    for wrong in (
        proof._replace(signed=SIGNED + b"0"),
        proof._replace(raw_data=stranger),
        proof._replace(raw_data=b""),
        proof._replace(raw_data=b"%%%"),
        proof._replace(raw_data=proof.raw_data[:-4]),
        LogonProof(b"", b"", SIGNED),  # the empty secret of such a key opens nothing
        LogonProof(auth.signature("", SIGNED).encode(), b"", SIGNED),
    ):
        failure = failure_of(auth.check_logon, SIGNER, wrong, "TRADER1", "trade")
        assert failure is AuthFailure.WRONG_PASSWORD


def test_a_request_signed_with_ed25519() -> None:
    given = base64.b64encode(PRIVATE_KEY.sign(b"a=1&b=2")).decode()
    auth.check_signature(SIGNER, b"a=1&b=2", given)
    by_nothing = auth.signature("", b"a=1&b=2")
    for payload, signature in (
        (b"a=1&b=3", given),
        (b"a=1&b=2", by_nothing),
        (b"a=1&b=2", "\u00e9"),
    ):
        failure = failure_of(auth.check_signature, SIGNER, payload, signature)
        assert failure is AuthFailure.WRONG_SIGNATURE


def test_the_secret_is_not_shown() -> None:
    assert "s3cret" not in repr(CREDENTIAL)


def test_a_signature_is_that_of_rfc_4231() -> None:
    # Test case 2.
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert auth.signature("Jefe", b"what do ya want for nothing?") == expected


def test_a_signature_covers_every_byte() -> None:
    given = auth.signature("s3cret", b"a=1&b=2")
    auth.check_signature(CREDENTIAL, b"a=1&b=2", given.upper())
    for payload, signature in ((b"a=1&b=3", given), (b"a=1&b=2", given[:-1]), (b"", "\u00e9")):
        failure = failure_of(auth.check_signature, CREDENTIAL, payload, signature)
        assert failure is AuthFailure.WRONG_SIGNATURE


@pytest.mark.parametrize(
    ("timestamp_ms", "is_inside"),
    [
        (NOW_MS, True),
        (NOW_MS - 5_000, True),
        (NOW_MS - 5_001, False),
        (NOW_MS + 999, True),
        (NOW_MS + 1_000, False),
        (0, False),
    ],
)
def test_the_receive_window_looks_back_and_a_little_ahead(
    timestamp_ms: int, is_inside: bool
) -> None:
    if is_inside:
        auth.check_receive_window(timestamp_ms, 5_000, NOW_NS)
    else:
        failure = failure_of(auth.check_receive_window, timestamp_ms, 5_000, NOW_NS)
        assert failure is AuthFailure.OUTSIDE_RECEIVE_WINDOW


def test_no_window_is_wider_than_a_minute() -> None:
    failure_of(auth.check_receive_window, NOW_MS - 60_001, 10**9, NOW_NS)


ORDER_OF_ED25519 = 2**252 + 27742317777372353535851937790883648493


def test_another_spelling_of_a_signature_is_none_or_the_same() -> None:
    """Malleability: S + L signs as S does, and base64 has several spellings of the same bytes."""
    right = PRIVATE_KEY.sign(SIGNED)
    twin = int.from_bytes(right[32:], "little") + ORDER_OF_ED25519
    text = base64.b64encode(right)
    wrong = [
        base64.b64encode(right[:32] + twin.to_bytes(32, "little")),
        base64.b64encode(right + b"\x00"),
        base64.b64encode(bytes(64)),
        b" " + text,
        text + b"\n",
        text.rstrip(b"="),
        text[:40] + b"\n" + text[40:],
        base64.b64encode(text),
        right.hex().encode(),
    ]
    for given in wrong:
        proof = LogonProof(b"", given, SIGNED)
        failure = failure_of(auth.check_logon, SIGNER, proof, "TRADER1", "trade")
        assert failure is AuthFailure.WRONG_PASSWORD, given
    # The last character before the padding has four bits to spare: what counts are the 64 bytes.
    spare = text[:-3] + bytes([text[-3] + 1]) + b"=="
    proof = LogonProof(b"", spare, SIGNED)
    assert auth.check_logon(SIGNER, proof, "TRADER1", "trade") == (SIGNER, right)


@pytest.mark.parametrize("place", range(5))
def test_what_is_signed_can_not_move_between_fields(place: int) -> None:
    parts = SIGNED.split(b"\x01")
    text = base64.b64encode(PRIVATE_KEY.sign(SIGNED))
    for moved in (parts[place] + b" ", parts[place].lower() + b"x", b"", parts[place][:-1]):
        other = b"\x01".join([*parts[:place], moved, *parts[place + 1 :]])
        failure = failure_of(
            auth.check_logon, SIGNER, LogonProof(b"", text, other), "TRADER1", "trade"
        )
        assert failure is AuthFailure.WRONG_PASSWORD

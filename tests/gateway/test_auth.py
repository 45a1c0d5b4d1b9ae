import pytest

from gateway import auth
from gateway.auth import AuthFailure, Credential, Unauthorized

CREDENTIAL = Credential("key", "s3cret", 7, ("TRADER1",), frozenset({"read", "trade"}))
NOW_NS = 1_700_000_000_000_000_000
NOW_MS = NOW_NS // 1_000_000


def failure_of(call: object, *arguments: object) -> AuthFailure:
    assert callable(call)
    with pytest.raises(Unauthorized) as refused:
        call(*arguments)
    assert "s3cret" not in refused.value.text
    return refused.value.failure


def test_a_logon_needs_key_password_comp_id_and_permission() -> None:
    assert auth.check_logon(CREDENTIAL, b"s3cret", "TRADER1", "trade") is CREDENTIAL
    check = auth.check_logon
    assert failure_of(check, None, b"", "TRADER1", "trade") is AuthFailure.UNKNOWN_KEY
    assert failure_of(check, CREDENTIAL, b"no", "TRADER1", "trade") is AuthFailure.WRONG_PASSWORD
    assert failure_of(check, CREDENTIAL, b"s3cret", "X", "trade") is AuthFailure.WRONG_COMP_ID
    reader = CREDENTIAL._replace(permissions=frozenset({"read"}))
    assert failure_of(check, reader, b"s3cret", "TRADER1", "trade") is AuthFailure.NOT_PERMITTED


def test_a_logon_does_not_tell_which_keys_exist() -> None:
    texts = set()
    for credential in (None, CREDENTIAL):
        with pytest.raises(Unauthorized) as refused:
            auth.check_logon(credential, b"no", "TRADER1", "trade")
        texts.add(refused.value.text)
    assert len(texts) == 1


def test_a_key_bound_to_no_comp_id_takes_any() -> None:
    unbound = CREDENTIAL._replace(sender_comp_ids=())
    assert auth.check_logon(unbound, b"s3cret", "ANY", "trade") is unbound


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

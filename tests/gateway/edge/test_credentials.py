import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.edge import credentials
from gateway.edge.credentials import CredentialStore, CredentialsUnavailableError
from tests.gateway.edge.small_venue import SERVICE_TOKEN, KeyService


@pytest.fixture
async def keys() -> AsyncIterator[KeyService]:
    keys = KeyService()
    await keys.start()
    yield keys
    await keys.stop()


@pytest.fixture
async def store(keys: KeyService) -> AsyncIterator[CredentialStore]:
    store = CredentialStore(keys.url, SERVICE_TOKEN)
    await store.start()
    yield store
    await store.stop()


async def test_a_key_is_asked_for_once_in_a_while(keys: KeyService, store: CredentialStore) -> None:
    found = await store.get("bound")
    assert found is not None
    assert (found.account_id, found.secret) == (1, "secret-of-bound")
    assert (found.sender_comp_ids, found.permissions) == (("DESK1",), frozenset({"trade"}))
    assert await store.get("bound") == found
    assert keys.asked == ["bound"]


async def test_an_unknown_key_is_none(keys: KeyService, store: CredentialStore) -> None:
    for name in ("nobody", "", "x" * 1000, "../../admin", "a b/\u20ac?x=1"):
        assert await store.get(name) is None
    assert all("/" not in asked or asked.startswith(("..", "a b")) for asked in keys.asked)


async def test_a_revoked_key_stops_working(
    keys: KeyService, store: CredentialStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await store.get("alice") is not None
    del keys.keys["alice"]
    assert await store.get("alice") is not None
    monkeypatch.setattr(credentials, "FRESH_S", 0.0)
    assert await store.get("alice") is None


async def test_a_known_key_outlives_an_outage_for_a_while(
    keys: KeyService, store: CredentialStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "FRESH_S", 0.0)
    known = await store.get("alice")
    await keys.stop()
    assert await store.get("alice") == known
    assert not store.is_available
    with pytest.raises(CredentialsUnavailableError):
        await store.get("bob")
    monkeypatch.setattr(credentials, "OUTAGE_S", 0.0)
    with pytest.raises(CredentialsUnavailableError):
        await store.get("alice")
    await keys.start()
    assert await store.get("bob") is not None
    assert store.is_available


async def test_memory_is_bounded(
    keys: KeyService, store: CredentialStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "KEYS_MAX", 2)
    for name in ("alice", "bob", "bound", "nobody", "nothing", "none"):
        await store.get(name)
    keys.asked.clear()
    for name in ("bob", "bound", "nothing", "none", "alice", "nobody"):
        await store.get(name)
    assert keys.asked == ["alice", "nobody"]


async def test_a_new_key_works_within_a_second(keys: KeyService, store: CredentialStore) -> None:
    assert await store.get("carol") is None
    keys.keys["carol"] = keys.keys["bob"]
    assert await store.get("carol") is None
    assert keys.asked == ["carol"]
    await asyncio.sleep(credentials.UNKNOWN_S + 0.1)
    assert await store.get("carol") is not None


async def test_names_that_are_no_keys_are_asked_for_at_a_rate(
    keys: KeyService, store: CredentialStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "FRESH_S", 0.0)
    monkeypatch.setattr(credentials, "UNKNOWN_PER_S", 1)
    monkeypatch.setattr(credentials, "UNKNOWN_BURST", 20)
    monkeypatch.setattr(credentials, "UNKNOWN_WAIT_S", 30.0)
    assert await store.get("alice") is not None
    guesses = [asyncio.create_task(store.get(f"guess{number}")) for number in range(1_000)]
    await asyncio.sleep(0)
    assert await store.get("alice") is not None  # who is known waits for none of them
    done, waiting = await asyncio.wait(guesses, timeout=0.2)
    assert len(keys.asked) < 2 + 20 + 10
    assert 20 <= len(waiting) <= 30 + 1
    refused = [guess for guess in done if guess.exception() is not None]
    assert 1_000 - 20 - 30 - 10 <= len(refused) <= 1_000 - 20 - 30
    with pytest.raises(CredentialsUnavailableError, match="too many unknown"):
        await store.get("bob")
    assert store.is_available
    for guess in waiting:
        guess.cancel()

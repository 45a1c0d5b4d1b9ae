from pathlib import Path

import pytest

from objects.store import ConflictError, StoreFailedError, open_store


def test_an_object_is_what_was_put_last(store_url: str) -> None:
    store = open_store(store_url)
    assert store.get("a/b") is None
    store.put("a/b", b"one")
    store.put("a/b", b"two")
    stored = store.get("a/b")
    assert stored is not None
    assert stored.data == b"two"
    store.delete("a/b")
    store.delete("a/b")
    assert store.get("a/b") is None


def test_only_who_has_seen_an_object_replaces_it(store_url: str) -> None:
    store = open_store(store_url)
    first = store.put_if("state", b"one", None)
    with pytest.raises(ConflictError, match="state"):
        store.put_if("state", b"two", None)
    second = store.put_if("state", b"two", first)
    with pytest.raises(ConflictError, match="state"):
        store.put_if("state", b"three", first)
    stored = store.get("state")
    assert stored is not None
    assert stored == (b"two", second)


def test_keys_are_those_under_the_prefix(store_url: str) -> None:
    store = open_store(store_url)
    names = {f"a/date={number:04}/symbol=X%2FY" for number in range(20)}
    for name in (*names, "b/1", "ab"):
        store.put(name, b"")
    assert set(store.keys("a/")) == names
    assert list(store.keys("c/")) == []


def test_a_directory_shows_no_unfinished_file(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    store.put("a/one", b"1")
    (tmp_path / "a" / ".unfinished-two").write_bytes(b"half")
    assert list(store.keys("a/")) == ["a/one"]


def test_a_store_that_fails_says_where(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = open_store((tmp_path / "file").as_uri())
    with pytest.raises(StoreFailedError, match="a/b"):
        store.put("a/b", b"")


def test_a_bucket_that_is_not_there_is_a_failure(s3_store_url: str) -> None:
    store = open_store(s3_store_url.replace("s3://store-", "s3://another-"))
    with pytest.raises(StoreFailedError, match="NoSuchBucket"):
        store.get("a/b")


@pytest.mark.parametrize("url", ["", "history", "file://host/x", "s3://", "http://x/y"])
def test_a_url_of_no_store_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is neither"):
        open_store(url)

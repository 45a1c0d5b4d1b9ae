import base64
from pathlib import Path

import pytest

from objects import encrypted
from objects.encrypted import (
    EncryptedError,
    EncryptedStore,
    FileDamagedError,
    open_encrypted,
    read_secret,
)
from objects.store import ObjectStore, open_store

SECRET = bytes(range(32))


@pytest.fixture
def store(store_url: str) -> ObjectStore:
    return open_store(store_url)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encrypted, "PART_BYTES", 100)


def read(files: EncryptedStore, name: str) -> bytes:
    return b"".join(files.read(name, files.files(f"{name.partition('/')[0]}/")[name]))


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 1000])
def test_a_file_is_what_was_put(store: ObjectStore, small_parts: None, size: int) -> None:
    files = open_encrypted(store, SECRET, create=True)
    data = bytes(number % 251 for number in range(size))
    files.put("a/b", [data[:150], b"", data[150:]])
    assert files.files("a/") == {"a/b": size // 100 + 1}
    again = open_encrypted(store, SECRET)
    assert read(again, "a/b") == data
    again.delete("a/b")
    assert files.files("a/") == {}


def test_nothing_of_it_can_be_read(store: ObjectStore) -> None:
    files = open_encrypted(store, SECRET, create=True)
    files.put("a/b", [b"ada sells 5 BTC"])
    files.put("a/c", [b"ada sells 5 BTC"])
    one, other = store.get("a/b/00000.end"), store.get("a/c/00000.end")
    assert one is not None
    assert other is not None
    assert b"ada" not in one.data
    assert one.data[-40:] != other.data[-40:]


def test_another_key_is_told_from_damage(store: ObjectStore) -> None:
    with pytest.raises(EncryptedError, match="nothing is kept there"):
        open_encrypted(store, SECRET)
    open_encrypted(store, SECRET, create=True)
    with pytest.raises(EncryptedError, match="another key"):
        open_encrypted(store, bytes(32), create=True)


def test_a_damaged_object_is_named(store: ObjectStore, small_parts: None) -> None:
    files = open_encrypted(store, SECRET, create=True)
    files.put("a/b", [bytes(250)])
    stored = store.get("a/b/00001")
    assert stored is not None
    for at in range(0, len(stored.data), 7):
        damaged = bytearray(stored.data)
        damaged[at] ^= 1
        store.put("a/b/00001", bytes(damaged))
        with pytest.raises(FileDamagedError, match="a/b/00001"):
            read(files, "a/b")
    store.put("a/b/00001", b"")
    with pytest.raises(FileDamagedError, match="a/b/00001 is damaged"):
        read(files, "a/b")
    store.delete("a/b/00001")
    with pytest.raises(FileDamagedError, match="a/b/00001 is missing"):
        read(files, "a/b")


def test_an_object_in_another_ones_place_is_refused(store: ObjectStore, small_parts: None) -> None:
    files = open_encrypted(store, SECRET, create=True)
    files.put("a/b", [b"b" * 250])
    files.put("a/c", [b"c" * 250])
    objects = {key: stored.data for key in store.keys("a/") if (stored := store.get(key))}
    for taken, given in (("a/b/00000", "a/c/00000"), ("a/b/00000", "a/b/00001")):
        store.put(taken, objects[given])
        with pytest.raises(FileDamagedError, match="put in another one's place"):
            read(files, "a/b")
        store.put(taken, objects[taken])
    # Two files of one name: each object is its own, yet they do not belong together.
    files.put("a/b", [b"d" * 250])
    store.put("a/b/00001", objects["a/b/00001"])
    with pytest.raises(FileDamagedError, match="do not belong together"):
        read(files, "a/b")


def test_what_was_not_put_to_its_end_is_no_file(store: ObjectStore, small_parts: None) -> None:
    def pieces() -> object:
        yield bytes(250)
        raise KeyboardInterrupt

    files = open_encrypted(store, SECRET, create=True)
    files.put("a/whole", [b"x"])
    with pytest.raises(KeyboardInterrupt):
        files.put("a/b", pieces())  # type: ignore[arg-type]
    assert len(list(store.keys("a/b/"))) == 2
    assert files.files("a/") == {"a/whole": 1}
    files.delete_unfinished("a/")
    assert list(store.keys("a/")) == ["a/whole/00000.end"]


def test_a_key_is_32_bytes_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with pytest.raises(EncryptedError, match="no key"):
        read_secret(path)
    path.write_text("c2hvcnQ=")
    with pytest.raises(EncryptedError, match="32 bytes in base64"):
        read_secret(path)
    path.write_text(base64.b64encode(SECRET).decode() + "\n")
    assert read_secret(path) == SECRET

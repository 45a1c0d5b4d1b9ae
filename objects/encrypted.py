"""Files in a store that only who has the key can read, and that nobody can change unseen.

Layout (little endian)
----------------------
A file NAME is the objects `NAME/00000`, `NAME/00001` and so on, of 8 MiB of it each, the last one
called `NAME/00002.end`. That is put last, so a file that has one is whole. Each object is::

    8 bytes magic   "agiocryp"
    uint32  version of this layout
    12 bytes nonce  random
    ciphertext      AES-256-GCM, and its tag of 16 bytes

The first 12 bytes and the object's key are bound to it as associated data: an object that was
damaged, or put in another one's place, is refused. The last 32 bytes of the file's plain text are
the SHA-256 of what stands before them.

The object `identity` has 32 bytes of salt and 16 by which a wrong key is told from damage. All
keys come from the secret and this salt by HKDF-SHA256 (RFC 5869).

History
-------
1   The first version.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from struct import Struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from objects.store import ConflictError, ObjectStore

MAGIC: Final = b"agiocryp"
VERSION: Final = 1
PART_BYTES: Final = 8 << 20
SECRET_BYTES: Final = 32
IDENTITY: Final = "identity"
END: Final = ".end"
_HEADER: Final = Struct("<8sI")
_NONCE_BYTES: Final = 12
_SALT_BYTES: Final = 32
_CHECK_BYTES: Final = 16
_DIGEST_BYTES: Final = hashlib.sha256().digest_size


class EncryptedError(Exception):
    """The store can't be read with this key, or holds nothing; says which."""


class FileDamagedError(Exception):
    """A file is not what was put: damaged, swapped, or in part missing; names the object."""


class EncryptedStore:
    """Files by name, a path of `/`. All methods raise `StoreFailedError`.

    One process writes a name at a time; any number may read.
    """

    def __init__(self, store: ObjectStore, key: bytes) -> None:
        self.bytes_put = 0
        self._store = store
        self._cipher = AESGCM(key)

    def put(self, name: str, pieces: Iterable[bytes]) -> None:
        """Keep the pieces as one file, whole or not at all."""
        for number, (part, is_last) in enumerate(_parts(pieces)):
            key = part_key(name, number, is_last=is_last)
            data = self._encrypt(key, part)
            self._store.put(key, data)
            self.bytes_put += len(data)

    def files(self, prefix: str) -> dict[str, int]:
        """Return the whole files under a prefix, which ends in `/`: how many parts each has."""
        return whole_files(self._store, prefix)

    def read(self, name: str, parts: int) -> Iterator[bytes]:
        """Yield a file of so many parts in pieces; it is whole once this ends.

        Raises `FileDamagedError`.
        """
        digest = hashlib.sha256()
        for number in range(parts):
            is_last = number == parts - 1
            key = part_key(name, number, is_last=is_last)
            stored = self._store.get(key)
            if stored is None:
                raise FileDamagedError(f"{key} is missing")
            plain = self._decrypt(key, stored.data)
            end = len(plain) - _DIGEST_BYTES if is_last else len(plain)
            digest.update(plain[:end])
            if is_last and plain[end:] != digest.digest():
                raise FileDamagedError(f"{name}: its parts do not belong together")
            yield plain[:end]

    def delete(self, name: str) -> None:
        """Delete a file, or what was put of one: from its end on, so that it is whole or none."""
        for key in sorted(self._store.keys(f"{name}/"), reverse=True):
            self._store.delete(key)

    def delete_unfinished(self, prefix: str) -> None:
        """Delete what killed writers left of files. Only the one who writes may do that."""
        keys = [key.rpartition("/") for key in self._store.keys(prefix)]
        whole = {name for name, _, part in keys if part.endswith(END)}
        for name, _, part in keys:
            if name not in whole:
                self._store.delete(f"{name}/{part}")

    def _encrypt(self, key: str, plain: bytes) -> bytes:
        header = _HEADER.pack(MAGIC, VERSION)
        nonce = os.urandom(_NONCE_BYTES)
        return header + nonce + self._cipher.encrypt(nonce, plain, header + key.encode())

    def _decrypt(self, key: str, data: bytes) -> bytes:
        header, body = data[: _HEADER.size], _HEADER.size + _NONCE_BYTES
        if len(header) < _HEADER.size or not header.startswith(MAGIC):
            raise FileDamagedError(f"{key} is damaged: it does not begin as one of ours")
        if (version := _HEADER.unpack(header)[1]) != VERSION:
            raise FileDamagedError(f"{key}: layout {version} unknown, only {VERSION}")
        try:
            return self._cipher.decrypt(
                data[_HEADER.size : body], data[body:], header + key.encode()
            )
        except (InvalidTag, ValueError):
            raise FileDamagedError(f"{key} is damaged, or was put in another one's place") from None


def whole_files(store: ObjectStore, prefix: str) -> dict[str, int]:
    """Return the whole files under a prefix: how many parts each has. It takes no key."""
    return {
        name: int(part.removesuffix(END)) + 1
        for name, _, part in (key.rpartition("/") for key in store.keys(prefix))
        if part.endswith(END)
    }


def open_encrypted(store: ObjectStore, secret: bytes, *, create: bool = False) -> EncryptedStore:
    """Return the files in a store; `create` makes an empty one theirs.

    Raises `EncryptedError` and `StoreFailedError`.
    """
    stored = store.get(IDENTITY)
    if stored is None and create:
        salt = os.urandom(_SALT_BYTES)
        try:
            store.put_if(
                IDENTITY, _HEADER.pack(MAGIC, VERSION) + salt + _keys(secret, salt)[1], None
            )
        except ConflictError:  # another process was first
            stored = store.get(IDENTITY)
        else:
            return EncryptedStore(store, _keys(secret, salt)[0])
    if stored is None:
        raise EncryptedError("nothing is kept there")
    data = stored.data
    if len(data) != _HEADER.size + _SALT_BYTES + _CHECK_BYTES or not data.startswith(MAGIC):
        raise EncryptedError(f"{IDENTITY} is damaged")
    salt, told = data[_HEADER.size : -_CHECK_BYTES], data[-_CHECK_BYTES:]
    key, check = _keys(secret, salt)
    if not hmac.compare_digest(check, told):
        raise EncryptedError("it was encrypted with another key")
    return EncryptedStore(store, key)


def read_secret(path: Path) -> bytes:
    """Return the secret in a file, 32 bytes in base64. Raises `EncryptedError`."""
    try:
        secret = base64.b64decode(path.read_text().strip(), validate=True)
    except OSError as error:
        raise EncryptedError(f"no key: {error}") from error
    except binascii.Error:
        secret = b""
    if len(secret) != SECRET_BYTES:
        raise EncryptedError(f"{path}: must be {SECRET_BYTES} bytes in base64")
    return secret


def part_key(name: str, number: int, *, is_last: bool) -> str:
    return f"{name}/{number:05d}{END if is_last else ''}"


def _keys(secret: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """Return the key that encrypts, and what a wrong one is recognised by."""
    length = SECRET_BYTES + _CHECK_BYTES
    derived = HKDF(SHA256(), length, salt, b"agio encrypted files 1").derive(secret)
    return derived[:SECRET_BYTES], derived[SECRET_BYTES:]


def _parts(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield parts of one size, and whether it is the last, which has the digest and is shorter."""
    digest = hashlib.sha256()
    waiting = bytearray()
    for piece in pieces:
        digest.update(piece)
        waiting += piece
        while len(waiting) >= PART_BYTES:
            yield bytes(waiting[:PART_BYTES]), False
            del waiting[:PART_BYTES]
    yield bytes(waiting) + digest.digest(), True

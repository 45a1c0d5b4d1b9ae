"""What a backup need not keep any longer.

The journal stays: an auditor, and every door at its start, reads it from its first record. Of
anything else the newest two stay, whatever their age, and what is younger than the time given.
Lists of files are many, so of those older than the newest ones only a day's last stays.
"""

from __future__ import annotations

from itertools import groupby
from typing import Final

from agio.backup.contents import CHUNKS, FILES, KINDS, LOGS, Copy
from agio.backup.file_copy import chunk_names
from objects.encrypted import EncryptedStore

ALWAYS_KEPT: Final = 2
LISTS_KEPT: Final = 20
DAY_MS: Final = 86_400_000


def delete_old(store: EncryptedStore, before_ms: int, reached: int = 0) -> None:
    """Delete what was replaced before a time. Raises `StoreFailedError` and `FileDamagedError`.

    The newest of each kind that was up to the sequence `reached` stays, too.
    """
    for kind in KINDS:
        copies = sorted(map(Copy.parse, store.files(f"{kind}/")))
        needed = max((copy for copy in copies if copy.sequence <= reached), default=None)
        for copy in dispensable(copies, before_ms):
            if copy != needed:
                store.delete(copy.name)
    for name in store.files(LOGS):
        if int(name.rpartition("/")[2]) < before_ms:
            store.delete(name)
    _delete_chunks(store)


def dispensable(copies: list[Copy], before_ms: int) -> list[Copy]:
    """Return those of one kind, in order, that may go."""
    older, newest = copies[:-ALWAYS_KEPT], copies[-ALWAYS_KEPT:]
    if newest and newest[0].kind == FILES:
        older = copies[:-LISTS_KEPT]
    last_of_day = {
        list(of_day)[-1] for _, of_day in groupby(older, lambda copy: copy.taken_ms // DAY_MS)
    }
    return [
        copy
        for copy in older
        if copy.taken_ms < before_ms or (copy.kind == FILES and copy not in last_of_day)
    ]


def _delete_chunks(store: EncryptedStore) -> None:
    """Delete the chunks that no list names."""
    wanted: set[str] = set()
    for name, parts in store.files(f"{FILES}/").items():
        wanted |= chunk_names(b"".join(store.read(name, parts)))
    for name in store.files(CHUNKS):
        if name not in wanted:
            store.delete(name)

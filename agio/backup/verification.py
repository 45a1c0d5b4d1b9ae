"""Is all that a backup has what was put there? Every object, read again."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from agio.backup.contents import CHUNKS, FILES, KINDS, LOGS
from agio.backup.file_copy import chunk_names
from agio.backup.restore_journal import OnProgress, Progress
from matching import journal_spans
from matching.journal_spans import SpanMissingError, digest_of
from objects.encrypted import EncryptedStore, FileDamagedError


class Verified(msgspec.Struct, frozen=True):
    """What was read, and what is wrong with it."""

    files: int
    size_bytes: int
    last_sequence: int
    problems: list[str]


def verify_all(
    store: EncryptedStore, gateways: Mapping[str, EncryptedStore], on_progress: OnProgress
) -> Verified:
    """Read all of a backup, and what it has of gateways, by name. Raises `StoreFailedError`."""
    verified = verify_backup(store, on_progress)
    for name, own in gateways.items():
        found = verify_backup(own, on_progress)
        verified = Verified(
            verified.files + found.files,
            verified.size_bytes + found.size_bytes,
            verified.last_sequence,
            verified.problems + [f"{name}: {problem}" for problem in found.problems],
        )
    return verified


def verify_backup(store: EncryptedStore, on_progress: OnProgress) -> Verified:
    """Read all of a backup. Raises `StoreFailedError`."""
    problems: list[str] = []
    parts = store.files(journal_spans.PREFIX)
    segments = journal_spans.by_segment(parts)
    try:
        chain = journal_spans.whole_chain(segments)
    except SpanMissingError as error:
        problems.append(str(error))
        chain = []
    for prefix in (*(f"{kind}/" for kind in KINDS), CHUNKS, LOGS):
        parts |= store.files(prefix)
    size = 0
    for number, (name, count) in enumerate(parts.items(), 1):
        try:
            size += _verify(store, name, count, parts)
        except FileDamagedError as error:
            problems.append(str(error))
        on_progress(Progress("files", number, len(parts)))
    return Verified(len(parts), size, chain[-1].last if chain else 0, problems)


def _verify(store: EncryptedStore, name: str, count: int, parts: dict[str, int]) -> int:
    """Return the size of a file that is whole, and has what it needs."""
    if not name.startswith((journal_spans.PREFIX, f"{FILES}/")):
        return sum(len(piece) for piece in store.read(name, count))
    data = b"".join(store.read(name, count))
    if name.startswith(journal_spans.PREFIX):
        if digest_of(data) != journal_spans.Span.parse(name).digest:
            raise FileDamagedError(f"{name} is not what its name says")
    elif missing := chunk_names(data) - parts.keys():
        raise FileDamagedError(f"{min(missing)} is missing, which {name} needs")
    return len(data)

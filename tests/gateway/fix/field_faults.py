"""Every field of what a client may send, with each fault that a field may have."""

from collections.abc import Iterator
from typing import NamedTuple

from tests.gateway.fix.message_specs import FieldSpec, MessageSpec, Pairs, definitions

INVALID_TAG, MISSING, NOT_DEFINED, EMPTY = 0, 1, 2, 4  # SessionRejectReason(373)
BAD_VALUE, BAD_FORMAT, REPEATED, MISPLACED = 5, 6, 13, 14
GROUP_MISPLACED, GROUP_COUNT = 15, 16

DECIMALS = {"AMT", "FLOAT", "PERCENTAGE", "PRICE", "PRICEOFFSET", "QTY"}
COUNTS = {"NUMINGROUP", "SEQNUM"}
TIMES = {"UTCTIMESTAMP", "UTCTIMEONLY", "UTCDATEONLY", "LOCALMKTDATE", "MONTHYEAR"}

# What Python's own int, float or Decimal takes for a number, and FIX does not.
PYTHON_NUMBERS = [
    b"+1", b"1e5", b"1E5", b"NaN", b"sNaN", b"Inf", b"-Infinity", b"1_000", b" 1", b"1 ", b"\t1",
    b".5", b"5.", b"-", b".", b"--1", b"1-", b"0x10", b"1,000", b"1.2.3", b"\xd9\xa1\xd9\xa2",
    b"\xef\xbc\x91", b"1\x00", b"one",
]  # fmt: skip
TIME_TEXTS = [
    b"20261301", b"20260230", b"2026-01-01", b"1767225600", b"20260101-24:00:00", b"20260101-0:0:0",
    b"20260101T00:00:00Z", b"now", b"20260101-00:00:00.", b"20260101-00:60:00", b"2026",
]  # fmt: skip
LONG = 10_000


class Faulty(NamedTuple):
    """A body, and the Reject(3) that it deserves: SessionRejectReason(373), RefTagID(371)."""

    name: str
    body: Pairs
    reason: int
    tag: int


def field_faults(spec: MessageSpec) -> Iterator[Faulty]:
    """Yield a message for each field and each fault it may have."""
    base = spec.base()
    for each in spec.fields:
        others = [pair for pair in base if pair[0] not in _tags_of(each)]
        kind = "group" if each.group else "field"
        for fault, pairs, reason, tag in _group_faults(each) if each.group else _faults(each):
            name = f"{spec.msg_type.decode()}: {kind} {each.tag} {fault}"
            yield Faulty(name, others + pairs, reason, tag)
        if each.is_required:
            yield Faulty(f"{spec.msg_type.decode()}: {each.tag} absent", others, MISSING, each.tag)


def message_faults(spec: MessageSpec) -> Iterator[Faulty]:
    """Yield messages with fields that do not belong where they are."""
    base, own = spec.base(), {tag for each in spec.fields for tag in _tags_of(each)}
    needed = [each.pairs() for each in spec.fields if each.is_required]
    kind = spec.msg_type.decode()
    for tag in (0, 999, 5000, 6999, 9999, 123456789):
        if tag not in {known for known, _, _ in definitions().values()}:
            for place in range(len(needed) + 1):
                chunks = [*needed[:place], [(tag, b"x")], *needed[place:]]
                body = [pair for chunk in chunks for pair in chunk]
                yield Faulty(f"{kind}: unknown tag {tag} at {place}", body, INVALID_TAG, tag)
    for tag in (14, 17, 37, 39, 150, 151, 269, 371, 372, 373, 380):
        if tag not in own:
            yield Faulty(f"{kind}: {tag} of others", [*base, (tag, b"1")], NOT_DEFINED, tag)
    for tag in (97, 115, 128, 129, 50, 57, 142, 143, 369):
        body = [*base, (tag, b"1")]
        if base:
            yield Faulty(f"{kind}: header's {tag} in the body", body, MISPLACED, tag)


def _tags_of(spec: FieldSpec) -> set[int]:
    return {spec.tag}.union(*(_tags_of(each) for each in spec.group))


def _faults(spec: FieldSpec) -> Iterator[tuple[str, Pairs, int, int]]:
    tag, type_ = spec.tag, spec.type
    yield "empty", [(tag, b"")], EMPTY, tag
    yield "twice", [(tag, spec.good)] * 2, REPEATED, tag
    if type_ in DECIMALS or type_ in COUNTS or type_ == "INT":
        for text in PYTHON_NUMBERS:
            yield f"of {text!r}", [(tag, text)], BAD_FORMAT, tag
    if type_ in COUNTS:
        yield "negative", [(tag, b"-1")], BAD_FORMAT, tag
    if type_ in COUNTS or type_ == "INT":
        yield "with a fraction", [(tag, b"1.0")], BAD_FORMAT, tag
        yield "of 30 digits", [(tag, b"9" * 30)], BAD_FORMAT, tag
    if type_ in TIMES:
        for text in TIME_TEXTS:
            yield f"of {text!r}", [(tag, text)], BAD_FORMAT, tag
    if type_ in {"CHAR", "BOOLEAN"}:
        yield "of two characters", [(tag, b"YN")], BAD_FORMAT, tag
        yield "very long", [(tag, b"Y" * LONG)], BAD_FORMAT, tag
    if type_ == "BOOLEAN":
        for text in (b"y", b"n", b"1", b"T"):
            yield f"of {text!r}", [(tag, text)], BAD_FORMAT, tag
    if spec.values and type_ in {"CHAR", "STRING", "INT", "MULTIPLEVALUESTRING"}:
        bad = [b"~", b"\xff"] if type_ == "CHAR" else [b"~~", b"\xff\xfe", b"x" * LONG]
        bad = [b"98765", b"-98765"] if type_ == "INT" else bad
        for text in bad:
            yield f"of {text[:9]!r}, not listed", [(tag, text)], BAD_VALUE, tag


def _group_faults(spec: FieldSpec) -> Iterator[tuple[str, Pairs, int, int]]:
    (count, _), *entry = spec.pairs()
    first = entry[0][0]
    yield "of one, no entry", [(count, b"1")], GROUP_COUNT, count
    yield "of two, one entry", [(count, b"2"), *entry], GROUP_COUNT, count
    yield "of one, two entries", [(count, b"1"), *entry, *entry], GROUP_COUNT, count
    yield "of none, one entry", [(count, b"0"), *entry], GROUP_COUNT, count
    yield "twice", [(count, b"1"), *entry, (count, b"1"), *entry], REPEATED, count
    yield "without its count", entry, GROUP_MISPLACED, first
    yield "without a value", [(count, b""), *entry], EMPTY, count
    for text in (*PYTHON_NUMBERS, b"-1", b"1.0", b"9" * 30):
        yield f"count {text!r}", [(count, text), *entry], BAD_FORMAT, count
    for each in spec.group[1:]:
        if not each.group:
            turned: Pairs = [(count, b"1"), (each.tag, each.good), *entry]
            yield f"begun with {each.tag}", turned, GROUP_MISPLACED, each.tag
            yield f"{each.tag} empty", [(count, b"1"), entry[0], (each.tag, b"")], EMPTY, each.tag
        if each.is_required:
            rest = [pair for pair in entry if pair[0] not in _tags_of(each)]
            yield f"without {each.tag}", [(count, b"1"), *rest], MISSING, each.tag

"""Whether a command's bytes are one that may be executed.

Almost all commands are orders, and almost all of these are fine: `is_sound_order` says so by their
64-bit words, from what their layout allows in each. `check_command` takes every kind apart, field
by field, and says what is wrong.
"""

from __future__ import annotations

from array import array
from typing import Final

from matching.link import Refusal, RefusalCode
from vocabulary import commands as c
from vocabulary.codec import HEADER, LAYOUT_BY_KIND, VERSIONS, Layout, unpack_command
from vocabulary.commands import Command
from vocabulary.types import CLIENT_ORDER_ID_BYTES_MAX

_LAYOUTS: Final[dict[tuple[int, int], Layout]] = {
    kind: layout
    for kind, layout in LAYOUT_BY_KIND.items()
    if issubclass(layout.message_type, Command)
}

ORDERS: Final = (
    c.EnterOrder,
    c.ReplaceOrder,
    c.CancelOrder,
    c.CancelAllOrders,
    c.EnterOrderList,
)
KINDS = 8
VERSIONS_MAX = 8
HEADER_WORDS = 3  # header, session id, session number
TEXT_BYTES_MAX = CLIENT_ORDER_ID_BYTES_MAX
BYTE_MASK = 0xFF
SPACES = 0x2020202020202020
ONES = 0x0101010101010101
HIGH_BITS = 0x8080808080808080
# The bits of a word behind its first 0 to 8 bytes.
BEHIND = array("Q", [2**64 - 2 ** (8 * count) for count in range(9)])


class CommandRefused(Exception):
    """A command that must not be executed; the next one starts at `end`."""

    def __init__(self, refusal: Refusal, end: int) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal
        self.end = end


def check_command(data: bytes, offset: int) -> tuple[int, int, int]:
    """Return session id, session number and the offset behind the command at `offset`.

    Raises `CommandRefused` for a value that no command may carry, and `CodecError` where not even
    the next command can be found.
    """
    kind, version, size = HEADER.unpack_from(data, offset) if len(data) - offset >= 8 else (0, 0, 0)
    layout = _LAYOUTS.get((kind, version))
    if layout is None or size != layout.size or len(data) - offset < size:
        unpack_command(data, offset)  # says what is wrong
        raise AssertionError("unreachable: the codec takes no such command")
    values = layout.struct.unpack_from(data, offset)
    fault = _fault(layout, values)
    if fault is None and layout.struct.pack(*values) != data[offset : offset + size]:
        fault = "bytes between the fields, or behind a text, are not zero"
    if fault is not None:
        refusal = Refusal(RefusalCode.MALFORMED_COMMAND, values[3], values[4], fault)
        raise CommandRefused(refusal, offset + size)
    return values[3], values[4], offset + size


def _fault(layout: Layout, values: tuple[int, ...]) -> str | None:
    if values[4] < 1:
        return f"session_number {values[4]} is not positive"
    if layout.added and values[-len(layout.added) :] == layout.added:
        return f"version {layout.version} says nothing that version {layout.version - 1} does not"
    for index, name, members in layout.enums:
        if values[index + 3] not in members:
            return f"{name} {values[index + 3]} unknown"
    for index, _ in layout.texts:
        text: bytes = values[index + 3]  # type: ignore[assignment]  # struct gives text as bytes
        if len(text) > CLIENT_ORDER_ID_BYTES_MAX:
            return f"text of {len(text)} bytes, at most {CLIENT_ORDER_ID_BYTES_MAX}"
        # Control bytes would let a text look like the journal's own marks, or a log's lines.
        if not (text.isascii() and text.decode("ascii").isprintable()):
            return f"text {text!r} is not printable ASCII"
    return None


class Shape:
    """What may stand in the words of an order's layout."""

    def __init__(self, layout: Layout) -> None:
        self.header = layout.kind | layout.version << 16 | layout.size << 32
        self.words = layout.size // 8
        full = layout.struct.unpack(b"\xff" * layout.size)
        zeros = bytearray(byte ^ BYTE_MASK for byte in layout.struct.pack(*full))
        enums: list[int] = []
        for index, _, members in layout.enums:
            at = _place(layout, index, 1)
            allowed = sum(1 << value for value in members)
            enums += [at // 8, at % 8 * 8, full[index + 3], allowed]
        texts: list[int] = []
        for index, width in layout.texts:
            at = _place(layout, index, b"x")
            zeros[at : at + width + 1] = bytes(width + 1)  # is looked at as text
            texts += [at // 8, (width + 1) // 8]
        zeros[:8] = bytes(8)
        self.zeros = array("Q", bytes(zeros))
        self.enums = array("Q", enums)
        self.enums_end = len(enums)
        self.texts = array("Q", texts)
        self.texts_end = len(texts)
        added = _added(layout)
        self.added = array("q", added)
        self.added_at = self.words - len(self.added)


def _place(layout: Layout, index: int, value: object) -> int:
    """Return the byte at which a field stands."""
    fields = list(layout.struct.unpack(bytes(layout.size)))
    fields[index + 3] = value
    return next(at for at, byte in enumerate(layout.struct.pack(*fields)) if byte)


def _added(layout: Layout) -> bytes:
    """Return what this version appends, with nothing said that the one before does not say."""
    if not layout.added:
        return b""
    before = VERSIONS[layout.message_type][layout.version - 2]
    fields = layout.struct.unpack(bytes(layout.size))[: -len(layout.added)] + layout.added
    packed: bytes = layout.struct.pack(*fields)
    return packed[before.size :]


def _shapes() -> list[Shape | None]:
    shapes: list[Shape | None] = [None] * (KINDS * VERSIONS_MAX)
    for message_type in ORDERS:
        for layout in VERSIONS[message_type]:
            shapes[layout.kind * VERSIONS_MAX + layout.version] = Shape(layout)
    return shapes


SHAPES = _shapes()


def is_sound_order(words: memoryview, at: int, end: int) -> bool:
    """Say whether the command at a word is an order with which nothing is wrong.

    It is False for other commands, too, of which `check_command` knows more.
    """
    kind = words[at] & 0xFFFF
    version = words[at] >> 16 & 0xFFFF
    if kind >= KINDS or version >= VERSIONS_MAX:
        return False
    shape: Shape | None = SHAPES[kind * VERSIONS_MAX + version]
    if shape is None or words[at] != shape.header or end - at < shape.words:
        return False
    if words[at + 2] < 1:
        return False
    for index in range(HEADER_WORDS, shape.words):
        if words[at + index] & shape.zeros[index]:
            return False
    for row in range(0, shape.enums_end, 4):
        value = words[at + shape.enums[row]] >> shape.enums[row + 1] & shape.enums[row + 2]
        if value > 63 or not shape.enums[row + 3] >> value & 1:
            return False
    for row in range(0, shape.texts_end, 2):
        if not is_text(words, at + shape.texts[row], shape.texts[row + 1]):
            return False
    return shape.added_at == shape.words or says_more(words, at, shape)


def says_more(words: memoryview, at: int, shape: Shape) -> bool:
    """Say whether a command needs the version that it is in."""
    for index in range(shape.added_at, shape.words):
        if words[at + index] != shape.added[index - shape.added_at]:
            return True
    return False


def is_text(words: memoryview, at: int, count: int) -> bool:
    """Say whether so many words are a printable text and zeros behind it."""
    length = words[at] & BYTE_MASK
    if length > TEXT_BYTES_MAX or length >= 8 * count:
        return False
    word = words[at] ^ length | 0x20  # the first byte is the length's; a space in its place
    left = length + 1
    index = 0
    while True:
        behind = BEHIND[min(max(left, 0), 8)]
        if word & behind:
            return False
        word |= SPACES & behind
        # A byte below a space borrows, one above "~" carries, and others above have the bit.
        if (word | word - SPACES | word + ONES) & HIGH_BITS:
            return False
        index += 1
        if index == count:
            return True
        word = words[at + index]
        left -= 8

"""The FIX dictionary: what may stand in a message, and what is wrong with one.

Most messages of a client have the same tags in the same order. What follows from the tags alone is
therefore worked out once per layout and remembered: a layout without fault comes down to a row of
checks on values. Any message that fails one is judged again field by field, to say exactly why.
"""

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import NamedTuple
from xml.etree import ElementTree as ET

from gateway.fix.codec import FixMessage
from gateway.fix.formats import ANY, FORM_OF_TYPE, has_form
from gateway.fix.layout import Check, Layout

INVALID_TAG_NUMBER = 0
REQUIRED_TAG_MISSING = 1
TAG_NOT_DEFINED = 2
TAG_WITHOUT_VALUE = 4
VALUE_INCORRECT = 5
FORMAT_INCORRECT = 6
COMP_ID_PROBLEM = 9
SENDING_TIME_PROBLEM = 10
INVALID_MSG_TYPE = 11
TAG_REPEATED = 13
OUT_OF_ORDER = 14
GROUP_OUT_OF_ORDER = 15
GROUP_COUNT_INCORRECT = 16

# SessionRejectReason(373) in the words of FIX 4.4 vol. 2, "Reject".
REASON_TEXTS = {
    INVALID_TAG_NUMBER: "Invalid tag number",
    REQUIRED_TAG_MISSING: "Required tag missing",
    TAG_NOT_DEFINED: "Tag not defined for this message type",
    TAG_WITHOUT_VALUE: "Tag specified without a value",
    VALUE_INCORRECT: "Value is incorrect (out of range) for this tag",
    FORMAT_INCORRECT: "Incorrect data format for value",
    COMP_ID_PROBLEM: "CompID problem",
    SENDING_TIME_PROBLEM: "SendingTime accuracy problem",
    INVALID_MSG_TYPE: "Invalid MsgType",
    TAG_REPEATED: "Tag appears more than once",
    OUT_OF_ORDER: "Tag specified out of required order",
    GROUP_OUT_OF_ORDER: "Repeating group fields out of order",
    GROUP_COUNT_INCORRECT: "Incorrect NumInGroup count for repeating group",
}

_LAYOUTS_MAX = 256  # per message type; a client uses a handful
_CHECKED_BY_SESSION = frozenset({8, 9, 10, 34, 35})


class Refusal(NamedTuple):
    """What a Reject(3) says: SessionRejectReason(373), RefTagID(371) if any, Text(58)."""

    reason: int
    ref_tag: int | None
    text: str


class Field(NamedTuple):
    tag: int
    name: str
    form: int  # see `formats`
    values: frozenset[bytes]  # empty: any
    is_list: bool  # several values with spaces between

    def __str__(self) -> str:
        return f"{self.name}({self.tag})"


@dataclass(slots=True)
class Block:
    """Fields that stand together: a header, a trailer, a body, or one entry of a group."""

    tags: set[int] = field(default_factory=set)
    required: list[int] = field(default_factory=list)
    groups: dict[int, "Block"] = field(default_factory=dict)
    first_tag: int = 0

    def members(self) -> frozenset[int]:
        """Return the tags that an entry of this group may hold, nested groups included."""
        return frozenset(self.tags).union(*(group.members() for group in self.groups.values()))


class _Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


class Dictionary:
    """One version of FIX, from an XML document in QuickFIX's format."""

    def __init__(self, xml: str) -> None:
        root = ET.fromstring(xml)  # noqa: S314 our own file
        self.fields: dict[int, Field] = {}
        self._tag_of: dict[str, int] = {}
        for element in root.iterfind("fields/field"):
            self._add_field(element)
        self._components = {item.get("name"): item for item in root.iterfind("components/*")}
        self.header = self._block(root.find("header"))
        self.trailer = self._block(root.find("trailer"))
        self.messages = {
            item.get("msgtype", "").encode(): self._block(item)
            for item in root.iterfind("messages/*")
        }
        # By MsgType(35) and shape.
        self._layouts: dict[bytes, dict[int, Layout]] = {msg_type: {} for msg_type in self.messages}

    def _add_field(self, element: ET.Element) -> None:
        tag, name, type_ = (
            int(element.get("number", "")),
            element.get("name", ""),
            element.get("type"),
        )
        values = frozenset(value.get("enum", "").encode() for value in element)
        is_list = type_ == "MULTIPLEVALUESTRING"
        self.fields[tag] = Field(tag, name, FORM_OF_TYPE[type_ or ""], values, is_list)
        self._tag_of[name] = tag

    def _block(self, element: ET.Element | None) -> Block:
        block = Block()
        self._fill(block, element, is_required=True)
        return block

    def _fill(self, block: Block, element: ET.Element | None, *, is_required: bool) -> None:
        for item in element if element is not None else ():
            name = item.get("name", "")
            required = is_required and item.get("required") == "Y"
            if item.tag == "component":
                self._fill(block, self._components[name], is_required=required)
                continue
            tag = self._tag_of[name]
            block.tags.add(tag)
            block.first_tag = block.first_tag or tag
            if required:
                block.required.append(tag)
            if item.tag == "group":
                block.groups[tag] = self._block(item)

    def name(self, tag: int) -> str:
        """Return `Name(tag)`, as people read it."""
        known = self.fields.get(tag)
        return str(known) if known else f"tag {tag}"

    def group_members(self, msg_type: bytes, count_tag: int) -> frozenset[int]:
        """Return the tags of a group's entries, for `FixMessage.entries`."""
        return self.messages[msg_type].groups[count_tag].members()

    def validate(self, message: FixMessage) -> Refusal | None:
        """Say what is wrong with a message first, or None.

        A message of a type that FIX 4.4 has and this dictionary leaves out is only held to have a
        good header.
        """
        layouts = self._layouts.get(message.msg_type)
        layout = layouts.get(message.shape) if layouts is not None else None
        if layouts is None or layout is None:
            return self._judge_and_remember(message, layouts)
        # Two rows of tags of one shape would be a coincidence, or somebody's work.
        if message.has_tags(layout.tags) and layout.takes(message):
            return None
        return self._judge(message)

    def _judge_and_remember(
        self, message: FixMessage, layouts: dict[int, Layout] | None
    ) -> Refusal | None:
        refusal = self._judge(message)
        if refusal or layouts is None:
            return refusal
        tags = message.tags
        groups = self.header.groups | self.messages[message.msg_type].groups
        if groups.keys().isdisjoint(tags):
            if len(layouts) >= _LAYOUTS_MAX:
                layouts.clear()
            layouts[message.shape] = Layout(tags, [self._check(tag) for tag in tags])
        return None

    def _check(self, tag: int) -> Check:
        definition = self.fields[tag]
        if tag in _CHECKED_BY_SESSION:
            return Check(ANY, frozenset(), is_list=False)
        return Check(definition.form, definition.values, is_list=definition.is_list)

    def _judge(self, message: FixMessage) -> Refusal | None:
        try:
            self._walk(message)
        except _Refused as refused:
            return refused.refusal
        return None

    def _walk(self, message: FixMessage) -> None:
        """Go through the fields in order, then look for what is missing."""
        body = self.messages.get(message.msg_type)
        if body is None and message.msg_type not in self.fields[35].values:
            self._refuse(INVALID_MSG_TYPE, 35)
        parts = [self.header, body, self.trailer]
        part = 0
        seen: set[int] = set()
        index = 0
        while index < len(message.tags):
            tag = message.tags[index]
            place = self._place(tag, body, part)
            if place < part:
                self._refuse(OUT_OF_ORDER, tag)
            part = place
            if tag in seen:
                self._refuse(TAG_REPEATED, tag)
            seen.add(tag)
            block = parts[part]
            if block is not None:
                self._check_value(tag, message.values[index])
                if tag in block.groups:
                    index = self._walk_group(message, index, block.groups[tag])
                    continue
            index += 1
        for block in parts:
            for tag in block.required if block else ():
                if tag not in seen:
                    self._refuse(REQUIRED_TAG_MISSING, tag)

    def _place(self, tag: int, body: Block | None, part: int) -> int:
        """Return 0 for a header field, 1 for the body, 2 for the trailer."""
        if tag in self.header.tags:
            return 0
        if tag in self.trailer.tags:
            return 2
        if body is None or tag in body.tags:
            return 1
        if tag not in self.fields:
            self._refuse(INVALID_TAG_NUMBER, tag)
        groups = (body if part else self.header).groups.values()
        if any(tag in group.members() for group in groups):
            self._refuse(GROUP_OUT_OF_ORDER, tag)
        self._refuse(TAG_NOT_DEFINED, tag)
        raise AssertionError

    def _walk_group(self, message: FixMessage, index: int, group: Block) -> int:
        """Check a group whose count stands at `index`; return the index behind its last entry."""
        tags = message.tags
        count_tag, count = tags[index], int(message.values[index])
        entries = 0
        index += 1
        while tags[index] in group.tags:
            if tags[index] != group.first_tag:
                self._refuse(GROUP_OUT_OF_ORDER, tags[index])
            entries += 1
            index = self._walk_entry(message, index, group)
        if entries != count:
            self._refuse(GROUP_COUNT_INCORRECT, count_tag)
        return index

    def _walk_entry(self, message: FixMessage, index: int, group: Block) -> int:
        seen: set[int] = set()
        while (tag := message.tags[index]) in group.tags and tag not in seen:
            seen.add(tag)
            self._check_value(tag, message.values[index])
            if tag in group.groups:
                index = self._walk_group(message, index, group.groups[tag])
            else:
                index += 1
        for required in group.required:
            if required not in seen:
                self._refuse(REQUIRED_TAG_MISSING, required)
        return index

    def _check_value(self, tag: int, value: bytes) -> None:
        definition = self.fields[tag]
        if not value:
            self._refuse(TAG_WITHOUT_VALUE, tag)
        if not has_form(definition.form, value, 0, len(value)):
            self._refuse(FORMAT_INCORRECT, tag)
        if definition.values:
            given = value.split(b" ") if definition.is_list else [value]
            if not definition.values.issuperset(given):
                self._refuse(VALUE_INCORRECT, tag)

    def _refuse(self, reason: int, tag: int) -> None:
        raise _Refused(self.refusal(reason, tag))

    def refusal(self, reason: int, tag: int | None = None) -> Refusal:
        text = REASON_TEXTS[reason]
        return Refusal(reason, tag, text if tag is None else f"{text}: {self.name(tag)}")


@cache
def fix44() -> Dictionary:
    """Return the venue's own dictionary, read once."""
    return Dictionary(files("fix_specs").joinpath("fix44.xml").read_text())

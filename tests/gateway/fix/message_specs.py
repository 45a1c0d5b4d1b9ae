"""What the dictionary's XML lays down for a message, read apart from the validator that is tested.

Every field can be given a good value, so that a message is made whose one fault is the one planted.
"""

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from xml.etree import ElementTree as ET

Pairs = list[tuple[int, bytes]]

GOOD = {
    "AMT": b"1", "BOOLEAN": b"Y", "CHAR": b"A", "COUNTRY": b"DE", "CURRENCY": b"USD",
    "DAYOFMONTH": b"7", "EXCHANGE": b"N", "FLOAT": b"1.5", "INT": b"1", "LOCALMKTDATE": b"20261231",
    "MONTHYEAR": b"202612", "MULTIPLEVALUESTRING": b"A", "NUMINGROUP": b"1", "PERCENTAGE": b"0.1",
    "PRICE": b"50000", "PRICEOFFSET": b"-0.5", "QTY": b"1", "SEQNUM": b"1", "STRING": b"text",
    "UTCDATEONLY": b"20261231", "UTCTIMEONLY": b"12:00:00", "UTCTIMESTAMP": b"20260101-00:00:00",
}  # fmt: skip


@dataclass
class FieldSpec:
    tag: int
    type: str
    values: tuple[bytes, ...]
    is_required: bool
    group: "list[FieldSpec]" = field(default_factory=list)

    @property
    def good(self) -> bytes:
        return self.values[0] if self.values else GOOD[self.type]

    def pairs(self) -> Pairs:
        """Return the field with a good value; a group with one entry of what an entry needs."""
        entry = [each for place, each in enumerate(self.group) if not place or each.is_required]
        return [(self.tag, self.good), *(pair for each in entry for pair in each.pairs())]


@dataclass
class MessageSpec:
    msg_type: bytes
    fields: list[FieldSpec]

    def base(self) -> Pairs:
        """Return the least body that is good."""
        return [pair for each in self.fields if each.is_required for pair in each.pairs()]


@cache
def root() -> ET.Element:
    return ET.fromstring(files("fix_specs").joinpath("fix44.xml").read_text())


@cache
def definitions() -> dict[str, tuple[int, str, tuple[bytes, ...]]]:
    """Return tag, type and values of fields by name."""
    return {
        each.get("name", ""): (
            int(each.get("number", "")),
            each.get("type", ""),
            tuple(value.get("enum", "").encode() for value in each),
        )
        for each in root().iterfind("fields/field")
    }


@cache
def message_spec(msg_type: str) -> MessageSpec:
    element = root().find(f"messages/message[@msgtype='{msg_type}']")
    assert element is not None
    return MessageSpec(msg_type.encode(), _specs(element, is_required=True))


def _specs(element: ET.Element, *, is_required: bool) -> list[FieldSpec]:
    specs: list[FieldSpec] = []
    for item in element:
        name = item.get("name", "")
        required = is_required and item.get("required") == "Y"
        if item.tag == "component":
            component = root().find(f"components/component[@name='{name}']")
            assert component is not None
            specs += _specs(component, is_required=required)
            continue
        tag, type_, values = definitions()[name]
        spec = FieldSpec(tag, type_, values, required)
        if item.tag == "group":
            spec.group = _specs(item, is_required=True)
            spec.type = "NUMINGROUP"
        if type_ not in {"DATA", "LENGTH"}:  # a pair, which the decoder cuts
            specs.append(spec)
    return specs

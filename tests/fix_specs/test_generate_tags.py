"""What is generated from the dictionary is up to date, and the dictionary is sound."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from fix_specs.generate_tags import generate
from gateway.fix import tags, values
from gateway.fix.formats import FORM_OF_TYPE

ROOT = ET.parse(Path(__file__).parents[2] / "fix_specs" / "fix44.xml").getroot()
PARTS = [ROOT.find("header"), ROOT.find("trailer"), *ROOT.iterfind("messages/*")]


@pytest.mark.parametrize(("path", "text"), generate().items(), ids=lambda item: str(item)[-9:])
def test_the_generated_file_is_up_to_date(path: Path, text: str) -> None:
    assert path.read_text() == text, "run: python -m fix_specs.generate_tags"


def test_names_stand_for_what_they_say() -> None:
    assert tags.ClOrdID == 11
    assert tags.MiscFeeType == 139
    assert values.OrdStatus.FILLED == b"2"
    assert values.MsgType.NEW_ORDER_SINGLE == b"D"


def test_each_field_is_defined_once_and_used() -> None:
    numbers = [field.get("number") for field in ROOT.iterfind("fields/field")]
    names = [field.get("name") for field in ROOT.iterfind("fields/field")]
    assert len(set(numbers)) == len(numbers)
    assert len(set(names)) == len(names)
    used = {item.get("name") for item in ROOT.iter() if item.tag in {"field", "group"}}
    assert used == set(names)


def test_each_field_has_a_type_that_is_checked_and_values_without_repetition() -> None:
    for field in ROOT.iterfind("fields/field"):
        assert field.get("type") in FORM_OF_TYPE
        for attribute in ("enum", "description"):
            given = [value.get(attribute) for value in field]
            assert len(set(given)) == len(given), field.get("name")


def test_no_message_has_a_field_twice() -> None:
    """But for ListStatus(N), which says its orders' symbol before them, too, as Binance's does."""
    components = {item.get("name"): item for item in ROOT.iterfind("components/*")}

    def names(part: ET.Element) -> list[str]:
        found = []
        for item in part:
            if item.tag == "component":
                found += names(components[item.get("name")])
            else:
                found.append(item.get("name", ""))
                found += names(item)
        return found

    for part in PARTS:
        assert part is not None
        found = names(part)
        if part.get("name") == "ListStatus":
            found.remove("Symbol")
        assert len(set(found)) == len(found), part.get("name")

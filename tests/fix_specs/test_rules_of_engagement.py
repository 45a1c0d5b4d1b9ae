"""The examples in the rules of engagement are messages as they would be sent."""

from pathlib import Path

import pytest

from gateway.fix.codec import Decoder
from gateway.fix.dictionary import fix44

RULES = Path(__file__).parents[2] / "fix_specs" / "README.md"
EXAMPLES = [line for line in RULES.read_text().splitlines() if line.startswith("8=FIX.4.4|")]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.split("|")[2])
def test_an_example_is_a_valid_message(example: str) -> None:
    (message,) = Decoder().receive_data(example.replace("|", "\x01").encode())
    assert fix44().validate(message) is None


def test_every_message_between_client_and_venue_has_its_example() -> None:
    shown = {example.split("|")[2] for example in EXAMPLES}
    expected = [
        *"ABDEFGHKMNVWXYqr8cdefghxy",
        "AF",
        "XLQ",
        "XLR",
        "AD",
        "AQ",
        "AE",
        "AN",
        "AO",
        "AP",
    ]
    assert shown == {f"35={each}" for each in expected}

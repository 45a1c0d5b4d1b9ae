"""The examples in the rules of engagement are what the venue takes, and what it answers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agio.hot_paths import ROOT
from tests.gateway.edge.small_venue import SmallVenue, small_venue
from tests.gateway.fix_client import Pairs

RULES = (ROOT / "fix_specs" / "README.md").read_text()
FRAME = {8, 9, 10, 35, 34, 49, 52, 56}


def fields_of(example: str) -> Pairs:
    fields = (field.split("=", 1) for field in example.strip("|").split("|"))
    return [(int(tag), value) for tag, value in fields]


EXAMPLES = [fields_of(line) for line in RULES.splitlines() if line.startswith("8=FIX.4.4|")]
REQUESTS = {str(dict(each)[35]): each for each in EXAMPLES if dict(each)[49] == "CLIENT1"}
ANSWERS = {str(dict(each)[35]): each for each in EXAMPLES if dict(each)[56] == "CLIENT1"}
AS_SHOWN = ("N", "r", "XLR")


@pytest.fixture
async def venue(tmp_path: Path, redis_url: str) -> AsyncIterator[SmallVenue]:
    async with small_venue(tmp_path, redis_url) as venue:
        yield venue


def tags_of(fields: Pairs) -> list[int]:
    return [tag for tag, _ in fields if tag not in FRAME]


@pytest.mark.parametrize(
    "dialogue",
    ["D:8 F:8", "D:8 G:8", "D:8 H:8", "D:8 AF:8", "D:8 q:8,r", "E:8,8,N M:N K:8,8,N", "XLQ:XLR"],
)
async def test_an_example_is_answered_as_shown(venue: SmallVenue, dialogue: str) -> None:
    client = await venue.client("alice", "CLIENT1")
    for exchange in dialogue.split():
        request, _, answers = exchange.partition(":")
        client.send(request, [pair for pair in REQUESTS[request] if pair[0] not in FRAME])
        for msg_type in answers.split(","):
            await client.expect(msg_type)
            if msg_type in AS_SHOWN:
                assert tags_of(list(client.last_pairs)) == tags_of(ANSWERS[msg_type])

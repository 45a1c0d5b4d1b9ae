import pytest

from vocabulary.market_data import KINDS, channel, snapshot_key
from vocabulary.redis_cluster import (
    heartbeat_channel,
    is_cluster,
    node_url,
    seed_urls,
    slot,
    slot_owners,
    tagged,
)

URL = "rediss+cluster://ada:p%40ss@one:7000,two:7001?ssl_ca_certs=/ca.pem"


def test_all_of_a_symbol_is_in_one_slot_and_keeps_its_name() -> None:
    names = [channel(kind, "BTCUSDT") for kind in KINDS]
    names += [snapshot_key(name) for name in names]
    assert len({slot(tagged(name)) for name in names} | {slot(heartbeat_channel("BTCUSDT"))}) == 1
    assert [tagged(name).replace("{", "").replace("}", "") for name in names] == names
    assert slot(tagged("agio:depth:ETHUSDT")) != slot(tagged("agio:depth:BTCUSDT"))


@pytest.mark.parametrize(("name", "expected"), [("123456789", 12739), ("foo{123456789}x", 12739)])
def test_a_slot_is_that_of_the_specification(name: str, expected: int) -> None:
    assert slot(name) == expected  # 0x31C3, its example


def test_a_clusters_url_names_hosts_that_share_user_and_options() -> None:
    assert is_cluster(URL)
    assert not is_cluster("rediss://one:7000")
    assert seed_urls(URL) == [
        "rediss://ada:p%40ss@one:7000?ssl_ca_certs=/ca.pem",
        "rediss://ada:p%40ss@two:7001?ssl_ca_certs=/ca.pem",
    ]
    assert node_url(URL, "three", 7) == "rediss://ada:p%40ss@three:7?ssl_ca_certs=/ca.pem"


def test_who_has_a_slot() -> None:
    reply = [
        [0, 1, [b"one", 7000, b"id", []], [b"replica", 7009, b"id", []]],
        [2, 2, [b"", 7001, b"id", []]],
    ]
    assert slot_owners(reply, "asked") == {0: ("one", 7000), 1: ("one", 7000), 2: ("asked", 7001)}

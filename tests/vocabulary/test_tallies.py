import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from vocabulary import tallies
from vocabulary.tallies import Counts, Distributions


def test_a_scrape_finds_what_the_library_would_have_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry, library = CollectorRegistry(), CollectorRegistry()
    monkeypatch.setattr(tallies, "REGISTRY", registry)
    bounds = [0.001, 0.01, 0.1]
    ours = Distributions("steps", "Time of a step", bounds, ["engine"])
    theirs = Histogram("steps", "Time of a step", ["engine"], buckets=bounds, registry=library)
    for value in (0.0, 0.001, 0.0011, 0.05, 0.1, 7.0, 7.0):
        ours.labels("first").add(value)
        theirs.labels("first").observe(value)
    ours.labels("second").add(1.0)
    theirs.labels("second").observe(1.0)
    told = [
        line
        for line in generate_latest(library).decode().splitlines(keepends=True)
        if "_created" not in line  # when it was made, which nobody asks for
    ]
    assert generate_latest(registry).decode() == "".join(told)


def test_a_count_is_a_counter(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = CollectorRegistry()
    monkeypatch.setattr(tallies, "REGISTRY", registry)
    orders = Counts("orders", "Orders", ["door"])
    orders.labels("fix").add(2)
    orders.labels("fix").add(3)
    orders.labels("rest").add(1)
    assert registry.get_sample_value("orders_total", {"door": "fix"}) == 5
    assert registry.get_sample_value("orders_total", {"door": "rest"}) == 1


def test_a_name_can_be_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "REGISTRY", CollectorRegistry())
    Counts("orders", "Orders")
    with pytest.raises(ValueError, match="Duplicated"):
        Counts("orders", "Orders")

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, Histogram, generate_latest

from matching.edge import tallies
from matching.edge.tallies import Count, Distribution


def test_a_scrape_finds_what_the_library_would_have_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry, library = CollectorRegistry(), CollectorRegistry()
    monkeypatch.setattr(tallies, "REGISTRY", registry)
    bounds = [0.001, 0.01, 0.1]
    distribution = Distribution("steps", "Time of a step", bounds)
    theirs = Histogram("steps", "Time of a step", buckets=bounds, registry=library)
    for value in (0.0, 0.001, 0.0011, 0.05, 0.1, 7.0, 7.0):
        distribution.add(value)
        theirs.observe(value)
    told = [
        line
        for line in generate_latest(library).decode().splitlines(keepends=True)
        if "_created" not in line  # when it was made, which nobody asks for
    ]
    assert generate_latest(registry).decode() == "".join(told)


def test_a_count_is_a_counter(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = CollectorRegistry()
    monkeypatch.setattr(tallies, "REGISTRY", registry)
    count = Count("orders", "Orders")
    count.add(2)
    count.add(3)
    assert registry.get_sample_value("orders_total") == 5


def test_a_name_can_be_taken_once() -> None:
    with pytest.raises(ValueError, match="Duplicated"):
        Count("agio_matching_commands", "Commands executed")
    assert REGISTRY.get_sample_value("agio_matching_commands_total") is not None

import math

import pytest

from agio.scrape import Scrape, quantiles, rate


def histogram(at_s: float, counts: dict[float, float], door: str = "fix") -> Scrape:
    """Return a scrape of a histogram with cumulative counts by bound."""
    buckets = {
        frozenset({("le", "+Inf" if math.isinf(bound) else str(bound)), ("door", door)}): count
        for bound, count in counts.items()
    }
    return Scrape(at_s, {"seconds_bucket": buckets})


def counter(at_s: float, **counts: float) -> Scrape:
    return Scrape(at_s, {"orders_total": {frozenset({("door", d)}): n for d, n in counts.items()}})


def test_a_rate_is_the_rise_over_the_time_by_label_or_over_all() -> None:
    before, after = counter(10, fix=100, rest=5), counter(12, fix=300, rest=5)
    assert rate(before, after, "orders_total") == 100
    assert rate(before, after, "orders_total", door="rest") == 0
    assert rate(before, after, "no_such_total") is None


def test_a_process_that_began_anew_has_no_negative_rate() -> None:
    assert rate(counter(10, fix=1_000), counter(12, fix=50), "orders_total") == 25
    assert rate(Scrape(10), counter(12, fix=50), "orders_total") is None


def test_quantiles_are_of_what_came_between() -> None:
    before = histogram(0, {0.001: 1_000, 0.002: 1_000, math.inf: 1_000})
    after = histogram(1, {0.001: 1_000, 0.002: 1_100, math.inf: 1_100})
    assert quantiles(before, after, "seconds", [0.5, 0.99]) == pytest.approx([0.0015, 0.00199])
    assert quantiles(after, after, "seconds", [0.5]) is None
    assert quantiles(before, after, "seconds", [0.5], door="rest") is None


def test_what_lies_beyond_the_last_bucket_is_at_least_its_bound() -> None:
    after = histogram(1, {0.001: 10, 0.002: 10, math.inf: 20})
    assert quantiles(Scrape(0), after, "seconds", [0.99]) == [0.002]

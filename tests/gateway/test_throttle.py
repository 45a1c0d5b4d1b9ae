import pytest

from gateway.throttle import Throttle, Throttled, TokenBucket

SECOND_NS = 1_000_000_000


def test_a_bucket_lets_its_burst_through_and_then_its_rate() -> None:
    bucket = TokenBucket(rate_per_s=10, burst=5)
    start_ns = 50 * SECOND_NS
    assert [bucket.take(start_ns) for _ in range(5)] == [0] * 5
    assert bucket.take(start_ns) == SECOND_NS // 10
    assert bucket.take(start_ns + SECOND_NS // 10) == 0
    assert bucket.take(start_ns + SECOND_NS // 10) > 0


def test_what_is_refused_costs_nothing() -> None:
    bucket = TokenBucket(rate_per_s=10, burst=1)
    assert bucket.take(0) == 0
    assert [bucket.take(1) for _ in range(100)] == [SECOND_NS // 10 - 1] * 100
    assert bucket.take(SECOND_NS // 10) == 0


def test_a_clock_that_goes_back_does_not_lock_anyone_out() -> None:
    bucket = TokenBucket(rate_per_s=10, burst=10)
    bucket.take(SECOND_NS)
    assert bucket.take(SECOND_NS - 1_000) == 0


def test_cancels_go_on_when_orders_are_throttled() -> None:
    throttle = Throttle(rate_per_s=2)
    throttle.take_order(0)
    throttle.take_order(0)
    with pytest.raises(Throttled, match="more than 2 orders a second, retry in 500 ms") as told:
        throttle.take_order(0)
    assert told.value.retry_after_ns == SECOND_NS // 2
    for _ in range(20):
        throttle.take_cancel(0)
    with pytest.raises(Throttled, match="cancels"):
        throttle.take_cancel(0)

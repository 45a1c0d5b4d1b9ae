import pytest

from gateway.throttle import FAILURE_SOURCES_MAX, FailureDelays, Throttle, Throttled, TokenBucket

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


def test_who_fails_waits_twice_as_long_each_time_up_to_a_bound() -> None:
    delays = FailureDelays()
    told = [delays.failed("10.0.0.1", number) for number in range(12)]
    assert told[:4] == [10**8, 2 * 10**8, 4 * 10**8, 8 * 10**8]
    assert told[-1] == told[-2] == 8 * SECOND_NS
    assert delays.failed("10.0.0.2", 12) == 10**8
    assert delays.failed("10.0.0.1", 12 + 61 * SECOND_NS) == 10**8


def test_failures_from_everywhere_take_no_more_memory_than_that() -> None:
    delays = FailureDelays()
    for number in range(FAILURE_SOURCES_MAX + 1_000):
        delays.failed(str(number), number)
    assert delays.failed("0", 10**6) == 10**8  # forgotten
    assert delays.failed(str(FAILURE_SOURCES_MAX), 10**6) == 2 * 10**8

"""What LimitResponse(XLR) says of a throttle, by the clock of the test."""

from gateway.fix_application import limits as fix_limits
from gateway.throttle import Throttle
from tests.gateway.fix_messages import message

MILLISECOND_NS = 1_000_000


def counts(throttle: Throttle, now_ns: int) -> list[bytes]:
    body = fix_limits.response(message("XLQ", "6136=l1"), throttle, 7, now_ns)
    return [field[6:] for field in body.split(b"\x01") if field.startswith(b"25005=")]


def test_what_was_used_comes_back_within_the_second() -> None:
    throttle = Throttle(10)
    now_ns = 10**18
    assert counts(throttle, now_ns) == [b"0", b"0", b"7"]
    for _ in range(4):
        throttle.take_order(now_ns)
    throttle.take_cancel(now_ns)
    assert counts(throttle, now_ns) == [b"4", b"1", b"7"]
    assert counts(throttle, now_ns + 150 * MILLISECOND_NS) == [b"3", b"0", b"7"]
    assert counts(throttle, now_ns + 400 * MILLISECOND_NS) == [b"0", b"0", b"7"]

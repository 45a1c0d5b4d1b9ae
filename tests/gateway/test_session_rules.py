"""What the desk lays down for FIX sessions, with time as an argument."""

import pytest

from gateway.auth import Identity
from gateway.session_rules import NEVER_NS, SessionRule, SessionRules
from vocabulary.session_times import RecurringTime

HOUR_NS = 3600 * 10**9
DAY_NS = 24 * HOUR_NS
NOON_NS = 20_000 * DAY_NS + 12 * HOUR_NS
KEY = ("order_entry", Identity(1, b"DESK"))


def rules(venue_reset_time: str | None = None, **settings: object) -> SessionRules:
    """Return the venue's rules, with one for the session KEY if there are settings."""
    made = SessionRules(RecurringTime.parse(venue_reset_time) if venue_reset_time else None)
    if settings:
        made.update([SessionRule("order_entry", 1, "DESK", **settings)])  # type: ignore[arg-type]
    return made


def refusal(made: SessionRules, address: str = "10.0.0.7", certificate: str | None = None) -> str:
    return made.refusal(
        KEY, address=address, certificate=certificate, heartbeat_s=30, now_ns=NOON_NS
    )


def test_who_is_not_made_may_log_on_unless_the_venue_says_otherwise() -> None:
    assert refusal(SessionRules()) == ""
    strict = SessionRules(must_be_made=True)
    assert refusal(strict) == "this session has not been made"
    strict.update([SessionRule("order_entry", 1, "DESK")])
    assert refusal(strict) == ""


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"disabled": "margin call"}, "this session is disabled: margin call"),
        ({"addresses": ("10.0.0.0/8", "::1/128")}, ""),
        ({"addresses": ("10.0.0.8/32",)}, "this session may not log on from 10.0.0.7"),
        ({"hours": "08:00-17:00"}, ""),
        ({"hours": "17:00-08:00"}, "this session's hours are 17:00-08:00 UTC"),
        ({"hours": "monday 06:00-friday 22:00"}, ""),
        (
            {"hours": "friday 22:00-monday 06:00"},
            "this session's hours are friday 22:00-monday 06:00 UTC",
        ),
        ({"heartbeat_min_s": 5, "heartbeat_max_s": 30}, ""),
        (
            {"heartbeat_min_s": 31},
            "HeartBtInt(108) must be 31 to 60 for this session",
        ),
        (
            {"heartbeat_max_s": 20},
            "HeartBtInt(108) must be 1 to 20 for this session",
        ),
        ({"certificate": "bank"}, "this session is bound to another client certificate"),
    ],
)
def test_a_logon_must_be_as_the_desk_has_it(settings: dict[str, object], told: str) -> None:
    assert refusal(rules(None, **settings)) == told


def test_a_certificate_is_the_session_s_own_or_the_one_it_is_bound_to() -> None:
    bound = rules(certificate="bank")
    assert refusal(bound, certificate="bank") == ""
    assert refusal(bound, certificate="DESK") != ""
    assert refusal(rules(hours="08:00-17:00"), certificate="DESK") == ""
    assert refusal(rules(hours="08:00-17:00"), certificate="bank") != ""
    assert bound.certificates("order_entry", "DESK") == {"DESK", "bank"}
    assert bound.certificates("drop_copy", "DESK") == {"DESK"}


def test_numbers_begin_anew_at_the_venue_s_time_or_the_session_s_own() -> None:
    day_ns = NOON_NS - 12 * HOUR_NS
    assert rules().numbers_since_ns(KEY, NOON_NS) == 0
    assert rules("10:00").numbers_since_ns(KEY, NOON_NS) == day_ns + 10 * HOUR_NS
    assert rules("10:00").numbers_since_ns(KEY, day_ns) == day_ns - 14 * HOUR_NS
    own = rules("10:00", reset_time="11:00")
    assert own.numbers_since_ns(KEY, NOON_NS) == day_ns + 11 * HOUR_NS
    assert rules("10:00", reset_time="never").numbers_since_ns(KEY, NOON_NS) == 0
    by_hand = rules("10:00", reset_after_ns=NOON_NS - 1)
    assert by_hand.numbers_since_ns(KEY, NOON_NS) == NOON_NS - 1
    assert by_hand.numbers_since_ns(KEY, NOON_NS + DAY_NS) == day_ns + DAY_NS + 10 * HOUR_NS


def test_a_reset_time_counts_for_what_comes_after_it_was_set() -> None:
    own = rules(reset_time="10:00", reset_time_set_ns=NOON_NS)
    assert own.numbers_since_ns(KEY, NOON_NS + 1) == 0
    assert own.numbers_since_ns(KEY, NOON_NS + DAY_NS) == NOON_NS + 22 * HOUR_NS


def test_who_is_logged_on_is_logged_out_with_the_reason() -> None:
    def why(made: SessionRules, began_ns: int = NOON_NS) -> str:
        return made.why_out(KEY, began_ns, NOON_NS, NOON_NS + HOUR_NS)

    assert why(rules()) == ""
    assert why(rules(disabled="margin call")) == "this session is disabled: margin call"
    assert why(rules(logout_after_ns=NOON_NS)) == ""
    assert why(rules(logout_after_ns=NOON_NS + 1)) == "logged out by the venue"
    assert why(rules(hours="08:00-12:30")) == "this session's hours are 08:00-12:30 UTC"
    text = "the sequence numbers are reset: both begin at 1"
    assert why(rules("12:30")) == text
    assert why(rules("12:30"), NOON_NS + HOUR_NS // 2) == ""
    assert why(rules(reset_after_ns=NOON_NS + 1)) == text


def test_the_next_moment_to_look_is_the_first_of_all() -> None:
    assert rules().next_due_ns(NOON_NS) == NEVER_NS
    assert rules("13:00").next_due_ns(NOON_NS) == NOON_NS + HOUR_NS
    assert rules("13:00", hours="08:00-12:15").next_due_ns(NOON_NS) == NOON_NS + HOUR_NS // 4
    assert rules("13:00", reset_time="12:30").next_due_ns(NOON_NS) == NOON_NS + HOUR_NS // 2
    assert rules(reset_time="12:00").next_due_ns(NOON_NS) == NOON_NS + DAY_NS

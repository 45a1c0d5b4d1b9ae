from datetime import UTC, datetime

import pytest

from vocabulary.session_times import Hours, RecurringTime


def at(text: str) -> int:
    """Return a moment of a week that begins with Monday the 5th of January 2026."""
    return int(datetime.fromisoformat(f"2026-01-{text}").replace(tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("reset", "now", "last", "following"),
    [
        ("22:00", "05 22:00", "05 22:00", "06 22:00"),
        ("22:00", "06 21:59:59", "05 22:00", "06 22:00"),
        ("00:00", "06 00:00", "06 00:00", "07 00:00"),
        ("23:59:59", "06 12:00", "05 23:59:59", "06 23:59:59"),
        ("sunday 21:30", "13 12:00", "11 21:30", "18 21:30"),
        ("sunday 21:30", "18 21:29:59", "11 21:30", "18 21:30"),
        ("sunday 21:30", "18 21:30", "18 21:30", "25 21:30"),
        ("monday 00:00", "05 00:00", "05 00:00", "12 00:00"),
        ("thursday 08:00", "09 07:00", "08 08:00", "15 08:00"),
    ],
)
def test_a_reset_was_and_will_be(reset: str, now: str, last: str, following: str) -> None:
    time = RecurringTime.parse(reset)
    assert time.last_ns(at(now)) == at(last)
    assert time.next_ns(at(now)) == at(following)


def test_hours_contain_their_beginning_and_not_their_end() -> None:
    day, night = Hours.parse("08:00-17:30"), Hours.parse("22:00-06:00")
    moments = ("00:00", "05:59:59", "06:00", "08:00", "17:29:59", "17:30", "22:00", "23:59:59")
    assert [day.contain(at(f"06 {time}")) for time in moments] == [
        False, False, False, True, True, False, False, False,
    ]  # fmt: skip
    assert [night.contain(at(f"06 {time}")) for time in moments] == [
        True, True, False, False, False, False, True, True,
    ]  # fmt: skip
    assert day.next_end_ns(at("06 08:00")) == at("06 17:30")
    assert night.next_end_ns(at("06 22:00")) == at("07 06:00")


@pytest.mark.parametrize(
    ("hours", "inside", "outside", "end"),
    [
        (
            "sunday 17:00-friday 21:30",
            ["11 17:00", "14 03:00", "16 21:29:59"],
            ["11 16:59:59", "16 21:30", "17 12:00"],
            "16 21:30",
        ),
        (
            "monday 00:00-monday 06:00",
            ["12 00:00", "12 05:59:59"],
            ["11 23:59:59", "12 06:00", "13 03:00"],
            "12 06:00",
        ),
        (
            "friday 18:00-friday 17:00",
            ["16 18:00", "16 16:59:59", "13 12:00"],
            ["16 17:00", "16 17:59:59"],
            "16 17:00",
        ),
    ],
)
def test_hours_of_a_week_go_from_day_to_day(
    hours: str, inside: list[str], outside: list[str], end: str
) -> None:
    week = Hours.parse(hours)
    assert [week.contain(at(moment)) for moment in inside] == [True] * len(inside)
    assert [week.contain(at(moment)) for moment in outside] == [False] * len(outside)
    assert week.next_end_ns(at("11 18:00" if "sunday" in hours else "12 00:00")) == at(end)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "24:00",
        "7:00",
        "07:60",
        "noon",
        "Sunday 07:00",
        "sunday",
        "07:00 ",
        "\N{ARABIC-INDIC DIGIT SEVEN}:00",
    ],
)
def test_what_is_no_time_of_the_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        RecurringTime.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "07:00",
        "07:00-",
        "07:00-07:00",
        "07:00-8",
        "-",
        "sunday 07:00-17:00",
        "07:00-friday 17:00",
        "friday 17:00-friday 17:00",
        "sunday-friday",
    ],
)
def test_what_are_no_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        Hours.parse(text)

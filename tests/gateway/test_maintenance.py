"""The countdown to a maintenance, with time as an argument."""

from gateway.maintenance import MINUTE_NS, Maintenance, MaintenanceWatch

AT_NS = 1_800_000_000 * 10**9


def told(watch: MaintenanceWatch, minutes: float) -> str:
    """Return what is announced so long before it."""
    return watch.tick(AT_NS - int(minutes * MINUTE_NS))


def test_it_is_told_at_once_and_when_ten_five_and_one_minutes_are_left() -> None:
    watch = MaintenanceWatch()
    assert told(watch, 30) == ""
    watch.hear(Maintenance(AT_NS, "new release"))
    text = "maintenance at 20270115-08:00:00.000 UTC, in 30 min 0 s: new release"
    assert told(watch, 30) == text
    heard = [minutes for minutes in (29, 11, 10, 9.9, 6, 4.9, 4, 1, 0.5, 0) if told(watch, minutes)]
    assert heard == [10, 4.9, 1]


def test_what_is_announced_late_is_told_once_for_all_that_has_passed() -> None:
    watch = MaintenanceWatch()
    watch.hear(Maintenance(AT_NS, "x"))
    assert [bool(told(watch, minutes)) for minutes in (3, 2.9, 1, 0.9)] == [
        True,
        False,
        True,
        False,
    ]


def test_at_its_time_all_are_logged_out_once_and_kept_out_until_it_ends() -> None:
    watch = MaintenanceWatch()
    watch.hear(Maintenance(AT_NS, "new release"))
    assert not watch.begins(AT_NS - 1)
    assert watch.refusal(AT_NS - 1) == ""
    assert [watch.begins(AT_NS), watch.begins(AT_NS + 1)] == [True, False]
    assert watch.refusal(AT_NS) == "maintenance: new release"
    watch.hear(Maintenance(AT_NS, "new release"))  # as it is with each answer of the desk
    assert not watch.begins(AT_NS + 2)
    watch.hear(None)
    assert watch.refusal(AT_NS + 3) == ""

"""Own events stand in the stream once and in their turn, whoever reports them how often."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading.own_events import amended, filled, reported, taken
from trading.events import OwnEvent, ReportKind
from trading.feeds import admission as admission_module
from trading.feeds.admission import Admission
from trading.feeds.rejects import RejectedError


def refusal(admission: Admission, event: OwnEvent) -> str:
    with pytest.raises(RejectedError) as raised:
        admission.admit(event)
    assert raised.value.reason == "out_of_order"
    return raised.value.text


def test_decisions_count_by_strategy_symbol_and_epoch() -> None:
    admission = Admission()
    for event in (taken(1), taken(1, symbol="ETHUSDT"), taken(1, strategy="taker"), taken(2)):
        assert admission.admit(event)
    assert admission.admit(taken(1, epoch=9))
    assert not admission.admit(taken(1))
    assert not admission.admit(taken(2))
    assert refusal(admission, taken(4)) == "decision 4 before decision 3"
    assert refusal(admission, taken(2, epoch=10)) == "decision 2 before decision 1"
    assert admission.admit(taken(3))


def test_a_report_is_new_by_its_order_and_id() -> None:
    admission = Admission()
    text = "a report on decision 1, which is not taken"
    assert refusal(admission, reported(1, "a")) == text
    admission.admit(taken(1))
    admission.admit(taken(2))
    assert admission.admit(reported(1, "a"))
    assert not admission.admit(reported(1, "a"))
    assert admission.admit(reported(2, "a"))
    assert admission.admit(filled(1, "b"))
    assert admission.admit(
        reported(1, "c", kind=ReportKind.CANCEL_REFUSED, number=2)  # the cancel came too late
    )
    assert not admission.admit(filled(1, "b"))


def test_what_an_order_long_done_did_is_known_without_its_reports(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admission_module, "FINISHED_ORDERS_MAX", 2)
    admission = Admission()
    for number in range(1, 6):
        assert admission.admit(taken(number))
        if number != 2:  # it stays open
            assert admission.admit(filled(number, "all"))
    for known in (admission, restored(admission)):
        assert not known.admit(filled(1, "all"))
        assert not known.admit(reported(1, "another"))
        assert known.admit(reported(1, "late", kind=ReportKind.CANCEL_REFUSED))
        assert known.admit(filled(2, "all"))
        assert not known.admit(filled(5, "all"))


def test_amendments_count_by_trade_however_long_ago_its_order_was_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admission_module, "FINISHED_ORDERS_MAX", 2)
    admission = Admission()
    assert refusal(admission, amended(1)) == "amendment 1 of trade 77 before 1"
    for number in range(1, 6):
        assert admission.admit(taken(number))
        assert admission.admit(filled(number, "all"))
    assert refusal(admission, amended(1, 2)) == "amendment 2 of trade 77 before 1"
    assert admission.admit(amended(1))
    assert admission.admit(amended(5))
    for known in (restored(admission), admission):
        assert not known.admit(amended(1))
        assert known.admit(amended(1, 2))
        assert not known.admit(amended(1))
        assert known.admit(amended(1, trade_id=78))


@given(
    st.lists(st.tuples(st.integers(1, 6), st.sampled_from(["taken", "new", "done"])), max_size=60)
)
def test_a_restored_one_decides_as_the_first_would(steps: list[tuple[int, str]]) -> None:
    events: list[OwnEvent] = [
        taken(number)
        if what == "taken"
        else reported(number, what)
        if what == "new"
        else filled(number, what)
        for number, what in steps
    ]
    first, second, recalled = Admission(), Admission(), Admission()
    for event in events:
        outcomes = []
        for admission in (first, second, recalled):
            try:
                outcomes.append(str(admission.admit(event)))
            except RejectedError as error:
                outcomes.append(error.text)
        assert len(set(outcomes)) == 1
        second = restored(second)
        if outcomes[0] == "True":
            recalled.recall(event)  # again, as from a log whose head knows it already


def restored(admission: Admission) -> Admission:
    other = Admission()
    other.restore(admission.snapshot())
    return other

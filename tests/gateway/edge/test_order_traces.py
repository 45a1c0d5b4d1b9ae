"""What the gateway keeps of commands on their way while orders are traced, and lets go of."""

import time

import pytest

from gateway.edge import order_traces
from gateway.edge.order_traces import Arrival, OrderTraces
from matching.client import Refusal, RefusalCode
from vocabulary.codec import Record
from vocabulary.commands import CancelAllOrders
from vocabulary.tracing import Passage, Tracing

SESSION = 7


class Traced:
    """The traces of a gateway at which messages of one session arrive."""

    def __init__(self, rate: float = 1.0) -> None:
        self.passages: list[Passage] = []
        self.traces = OrderTraces(Tracing(rate, self.passages.append))

    def submit(self, number: int, arrival: Arrival | None) -> Record:
        """Submit a command; return the record that it will have."""
        command = CancelAllOrders(SESSION, number, 1, 0, b"")
        self.traces.arrival = arrival
        self.traces.submitted(command)
        self.traces.arrival = None
        return Record(1_000 + number, time.time_ns(), command, [])

    def report(self, *records: Record) -> list[str]:
        """Have records come and be reported; return the hops that were emitted of it."""
        self.passages.clear()
        self.traces.received(list(records))
        self.traces.reported()
        return [passage.hop for passage in self.passages]


HOPS = ["gateway.order", "gateway.submit", "gateway.command", "gateway.report"]


def arrival(*, answers_later: bool = False) -> Arrival:
    return Arrival("fix", time.time_ns(), answers_later=answers_later)


def test_a_command_is_told_once_its_record_is_reported_and_only_then() -> None:
    traced = Traced()
    record = traced.submit(1, arrival())
    assert not traced.passages
    assert traced.report(record) == HOPS
    times = [(passage.start_ns, passage.end_ns) for passage in traced.passages]
    assert all(start_ns <= end_ns for start_ns, end_ns in times)
    assert times[0] == (times[1][0], times[3][1])
    assert (times[1][1], times[2][1]) == (times[2][0], times[3][0])  # each goes on where one ends
    assert traced.report(record) == []


def test_the_rate_decides_by_the_record() -> None:
    traced = Traced(rate=0.1)
    records = [traced.submit(number, arrival()) for number in range(1, 501)]
    emitted = traced.report(*records)
    assert 40 <= emitted.count("gateway.order") <= 60


def test_others_commands_and_our_own_have_no_message_that_they_came_by() -> None:
    traced = Traced()
    assert traced.report(traced.submit(1, None)) == []


def test_a_door_that_answers_later_tells_when_it_has() -> None:
    traced = Traced()
    came = arrival(answers_later=True)
    assert traced.report(traced.submit(1, came)) == []
    traced.traces.answered(came)
    assert [passage.hop for passage in traced.passages] == HOPS


def test_what_has_no_record_to_come_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_traces, "NOTED_MAX", 2)
    traced = Traced()
    done_before = traced.submit(1, arrival())
    traced.submit(2, arrival())
    assert traced.report(traced.submit(3, arrival())) == []  # two are kept, no more
    traced.traces.repeated([done_before])
    traced.traces.refused(Refusal(RefusalCode.NOT_NOW, SESSION, 2, "the disk is full"))
    assert traced.report(traced.submit(4, arrival()), traced.submit(5, arrival())) == 2 * HOPS

"""The table of states, walked."""

from gateway.fix.states import TRANSITIONS, State, Step, step, table


def test_every_state_is_in_the_table_and_can_be_reached() -> None:
    assert set(TRANSITIONS) == set(State)
    reached = {State.CONNECTED}
    for _ in State:
        reached |= {following for state in reached for following in TRANSITIONS[state].values()}
    assert reached == set(State)


def test_every_step_is_taken_somewhere() -> None:
    assert {taken for steps in TRANSITIONS.values() for taken in steps} == set(Step)


def test_every_state_but_the_last_can_end_at_once() -> None:
    endings = {Step.RULE_BROKEN, Step.TIMED_OUT, Step.CONNECTION_LOST}
    for state in set(State) - {State.CLOSED}:
        assert {step(state, ending) for ending in endings} == {State.CLOSED}


def test_closed_is_final() -> None:
    assert TRANSITIONS[State.CLOSED] == {}


def test_nobody_is_logged_on_who_was_not_let_in() -> None:
    into_session = {
        (state, taken)
        for state, steps in TRANSITIONS.items()
        for taken, following in steps.items()
        if following is State.IN_SESSION
    }
    assert into_session == {
        (State.AWAITING_LOGON, Step.LOGON_RECEIVED),
        (State.AUTHENTICATING, Step.LOGON_ACCEPTED),
        (State.RECOVERING, Step.GAP_FILLED),
    }


def test_the_table_prints_one_line_for_each_transition() -> None:
    lines = table().splitlines()
    assert len(lines) == 2 + sum(len(steps) for steps in TRANSITIONS.values())
    assert "| IN_SESSION | GAP_FOUND: a MsgSeqNum(34) was too high | RECOVERING |" in lines

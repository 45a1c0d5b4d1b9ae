"""The states of a connection's session, and every way from one to another.

Theory of operation
===================

A `Session` lives as long as one connection. What outlives the connection (numbers, sent messages)
is in the store, and a session is handed its store at Logon(A), so a connection that never proves
who it is has touched nothing.

Both roles share the table. They differ in how they leave CONNECTED: an initiator sends Logon(A) and
waits for its answer; an acceptor receives one, hands it up, and waits until its owner has made up
its mind, which may take a database and a password hash. What arrives meanwhile is kept.

Once logged on there are two places to be. IN_SESSION, the numbers run. RECOVERING, a number was
missing: a ResendRequest(2) is out, and what comes early is kept in a bounded queue. Both send and
receive alike; the difference is that no second ResendRequest goes out for the same gap.

LOGGING_OUT, our Logout(5) is out. Application messages that still arrive are not taken, so the next
logon asks for them again; a ResendRequest(2) is still answered. CLOSED is final: the owner sends
what is left and closes the connection.

Implementation
==============

The table is data. `step` is the only way to change state, and a pair that is not in the table is a
mistake of ours, never of the peer's: the session asks only for what it has checked. Timers are not
states: `tick` compares times and steps with TIMED_OUT. `table()` prints all this for documents.
"""

from enum import Enum


class State(Enum):
    CONNECTED = "connected, nobody has spoken"
    AWAITING_LOGON = "our Logon(A) is out, its answer is not in"
    AUTHENTICATING = "the peer's Logon(A) is in, the owner decides"
    IN_SESSION = "logged on, the numbers run"
    RECOVERING = "logged on, our ResendRequest(2) is out"
    LOGGING_OUT = "our Logout(5) is out, its answer is not in"
    CLOSED = "over"


class Step(Enum):
    LOGON_SENT = "we sent Logon(A)"
    LOGON_RECEIVED = "the peer sent Logon(A)"
    LOGON_ACCEPTED = "the owner accepted the Logon(A)"
    LOGON_REFUSED = "the owner refused the Logon(A)"
    GAP_FOUND = "a MsgSeqNum(34) was too high"
    GAP_FILLED = "all that was missing has come"
    LOGOUT_SENT = "we sent Logout(5)"
    LOGOUT_RECEIVED = "the peer sent Logout(5)"
    RULE_BROKEN = "the peer broke a rule that ends the session"
    TIMED_OUT = "the peer was silent for too long"
    CONNECTION_LOST = "the connection ended"


_ANY_ENDING = {
    Step.RULE_BROKEN: State.CLOSED,
    Step.TIMED_OUT: State.CLOSED,
    Step.CONNECTION_LOST: State.CLOSED,
}

TRANSITIONS: dict[State, dict[Step, State]] = {
    State.CONNECTED: {
        Step.LOGON_SENT: State.AWAITING_LOGON,
        Step.LOGON_RECEIVED: State.AUTHENTICATING,
        **_ANY_ENDING,
    },
    State.AWAITING_LOGON: {
        Step.LOGON_RECEIVED: State.IN_SESSION,
        Step.LOGOUT_RECEIVED: State.CLOSED,
        **_ANY_ENDING,
    },
    State.AUTHENTICATING: {
        Step.LOGON_ACCEPTED: State.IN_SESSION,
        Step.LOGON_REFUSED: State.CLOSED,
        **_ANY_ENDING,
    },
    State.IN_SESSION: {
        Step.GAP_FOUND: State.RECOVERING,
        Step.LOGOUT_SENT: State.LOGGING_OUT,
        Step.LOGOUT_RECEIVED: State.CLOSED,
        **_ANY_ENDING,
    },
    State.RECOVERING: {
        Step.GAP_FILLED: State.IN_SESSION,
        Step.LOGOUT_SENT: State.LOGGING_OUT,
        Step.LOGOUT_RECEIVED: State.CLOSED,
        **_ANY_ENDING,
    },
    State.LOGGING_OUT: {
        Step.LOGOUT_RECEIVED: State.CLOSED,
        **_ANY_ENDING,
    },
    State.CLOSED: {},
}


def step(state: State, taken: Step) -> State:
    """Return the state that follows; KeyError where the table knows no such step."""
    return TRANSITIONS[state][taken]


def table() -> str:
    """Return the transitions as a Markdown table."""
    lines = ["| State | Step | Next state |", "|---|---|---|"]
    for state, steps in TRANSITIONS.items():
        for taken, following in steps.items():
            lines.append(f"| {state.name} | {taken.name}: {taken.value} | {following.name} |")
    return "\n".join(lines)

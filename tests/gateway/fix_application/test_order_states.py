"""The order state change matrices of FIX 4.4 vol. 4, appendix D, as our sessions live them.

Each row is a story in steps: what the session sends, or what happens elsewhere, and behind `>` what
the session is told of it. An ExecutionReport(8) stands as ExecType(150) OrdStatus(39) OrderQty(38)
CumQty(14) LeavesQty(151), an OrderCancelReject(9) as `9` OrdStatus(39) CxlRejResponseTo(434)
CxlRejReason(102). The venue answers at once, so nothing is ever pending: what the matrices have
"whilst the request is pending" has happened before the request here.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

import pytest

from gateway.fix.codec import FixMessage
from gateway.orders import Report
from tests.gateway.engine_room import ALICE, BOB
from tests.gateway.fix_application.test_order_flow import NOW_NS, Flow
from tests.gateway.fix_messages import CANCEL, ORDER, REPLACE, STATUS
from vocabulary.commands import ExpireOrders
from vocabulary.types import Side

BOBS = b"b"
TABLE = """
A. vanilla: filled in parts
    D 11=a1            > 0 0 0.5 0 0.5
    sell 0.2           > F 1 0.5 0.2 0.3
    sell 0.3           > F 2 0.5 0.5 0
A. vanilla: filled as it comes in
    sell 0.5           >
    D 11=a1            > 0 0 0.5 0 0.5, F 2 0.5 0.5 0
A. vanilla: part-filled day order, over at the day's end
    D 11=a1|59=0       > 0 0 0.5 0 0.5
    sell 0.2           > F 1 0.5 0.2 0.3
    midnight           > C C 0.5 0.2 0
B. cancel of a zero-filled order
    D 11=a1            > 0 0 0.5 0 0.5
    F 11=x1            > 4 4 0.5 0 0
B. cancel of a part-filled order
    D 11=a1            > 0 0 0.5 0 0.5
    sell 0.2           > F 1 0.5 0.2 0.3
    F 11=x1            > 4 4 0.5 0.2 0
B. cancel of an order that was filled before
    D 11=a1            > 0 0 0.5 0 0.5
    sell 0.5           > F 2 0.5 0.5 0
    F 11=x1            > 9 2 1 0
B. cancel of an order that was canceled before
    D 11=a1            > 0 0 0.5 0 0.5
    F 11=x1            > 4 4 0.5 0 0
    F 11=x2            > 9 4 1 0
B. cancel of an unknown order
    F 11=x1            > 9 8 1 1
C. replace of a zero-filled order, more
    D 11=a1            > 0 0 0.5 0 0.5
    G 11=r1|38=0.6     > 5 0 0.6 0 0.6
    sell 0.6           > F 2 0.6 0.6 0
C. replace of a part-filled order, more
    D 11=a1            > 0 0 0.5 0 0.5
    sell 0.2           > F 1 0.5 0.2 0.3
    G 11=r1|38=0.6     > 5 1 0.6 0.2 0.4
    sell 0.4           > F 2 0.6 0.6 0
C. replace of a filled order, more
    D 11=a1            > 0 0 0.5 0 0.5
    sell 0.5           > F 2 0.5 0.5 0
    G 11=r1|38=0.6     > 9 2 2 0
C. replace, less, and above what is filled
    D 11=a1            > 0 0 0.5 0 0.5
    sell 0.2           > F 1 0.5 0.2 0.3
    G 11=r1|38=0.3     > 5 1 0.3 0.2 0.1
    sell 0.1           > F 2 0.3 0.3 0
C. replace, less: what is filled already, or below
    D 11=a1            > 0 0 0.5 0 0.5
    sell 0.2           > F 1 0.5 0.2 0.3
    G 11=r1|38=0.2     > 9 1 2 99
    G 11=r2|38=0.1     > 9 1 2 99
    sell 0.3           > F 2 0.5 0.5 0
C. replace of the price, which trades
    D 11=a1|44=49000   > 0 0 0.5 0 0.5
    sell 0.2           >
    G 11=r1|38=0.5     > 5 0 0.5 0 0.5, F 1 0.5 0.2 0.3
D. replaced, and the replacement replaced
    D 11=a1            > 0 0 0.5 0 0.5
    G 11=r1|38=0.6     > 5 0 0.6 0 0.6
    G 11=r2|41=r1|38=0.7 > 5 0 0.7 0 0.7
    F 11=x1|41=r2      > 4 4 0.7 0 0
D. replaced, and then by the name it had before
    D 11=a1            > 0 0 0.5 0 0.5
    G 11=r1|38=0.6     > 5 0 0.6 0 0.6
    G 11=r2|38=0.7     > 9 8 2 1
    F 11=x1|41=r1      > 4 4 0.6 0 0
D. replaced, then canceled in the same breath
    D 11=a1, G 11=r1|38=0.6, F 11=x1|41=r1 > 0 0 0.5 0 0.5, 5 0 0.6 0 0.6, 4 4 0.6 0 0
E. canceled unasked
    D 11=a1            > 0 0 0.5 0 0.5
    sell 0.2           > F 1 0.5 0.2 0.3
    kill               > 4 4 0.5 0.2 0
F. refused: ClOrdID(11) of another order
    D 11=a1            > 0 0 0.5 0 0.5
    D 11=a1|38=0.4     > 8 8 0.4 0 0
F. sent again: the order that it is already
    D 11=a1            > 0 0 0.5 0 0.5
    sell 0.2           > F 1 0.5 0.2 0.3
    D 11=a1            > I 1 0.5 0.2 0.3
F. refused: no such instrument, no such funds
    D 11=a1|55=NOPE    > 8 8 0.5 0 0
    D 11=a2|38=1000    > 8 8 1000 0 0
G. status: unknown, open, filled, canceled
    H 11=a1            > I 8 - 0 0
    D 11=a1            > 0 0 0.5 0 0.5
    H 11=a1            > I 0 0.5 0 0.5
    sell 0.2           > F 1 0.5 0.2 0.3
    H 11=a1            > I 1 0.5 0.2 0.3
    sell 0.3           > F 2 0.5 0.5 0
    H 11=a1            > I 2 0.5 0.5 0
    D 11=a2            > 0 0 0.5 0 0.5
    F 11=x1|41=a2      > 4 4 0.5 0 0
    H 11=a2            > I 4 0.5 0 0
H. good till date, part-filled, over at its time
    D 11=a1|59=6|126=20231114-23:00:00 > 0 0 0.5 0 0.5
    sell 0.2           > F 1 0.5 0.2 0.3
    midnight           > C C 0.5 0.2 0
I. fill or kill that can't be filled
    sell 0.2           >
    D 11=a1|59=4       > 0 0 0.5 0 0.5, C C 0.5 0 0
I. immediate or cancel that is filled in part
    sell 0.2           >
    D 11=a1|59=3       > 0 0 0.5 0 0.5, F 1 0.5 0.2 0.3, C C 0.5 0.2 0
I. at market, and nobody there
    D 11=a1|40=1|44=   > 0 0 0.5 0 0.5, C C 0.5 0 0
J. a filled order's trade corrected, then busted
    D 11=a1            > 0 0 0.5 0 0.5
    sell 0.5           > F 2 0.5 0.5 0
    correct 0.4        > G 4 0.5 0.4 0
    bust               > H 4 0.5 0 0
J. a part-filled order's trade busted: it goes on with what is left
    D 11=a1            > 0 0 0.5 0 0.5
    sell 0.2           > F 1 0.5 0.2 0.3
    bust               > H 0 0.3 0 0.3
    sell 0.3           > F 2 0.3 0.3 0
J. a canceled order's trade busted
    D 11=a1            > 0 0 0.5 0 0.5
    sell 0.2           > F 1 0.5 0.2 0.3
    F 11=x1            > 4 4 0.5 0.2 0
    bust               > H 4 0.5 0 0
L. a stop that waits, is triggered and filled
    sell 0.1           >
    buy 0.1            >
    sell 0.5 50001     >
    D 11=a1|40=3|44=|99=50001 > 0 0 0.5 0 0.5
    buy 0.1 50001      > L 0 0.5 0 0.5, F 1 0.5 0.4 0.1, C C 0.5 0.4 0
L. an order that meets another one of its account
    D 11=a1            > 0 0 0.5 0 0.5
    D 11=a2|54=2|38=0.2|25001=5 > 0 0 0.2 0 0.2, D 0 0.3 0 0.3, C C 0.2 0 0
"""


class Row(NamedTuple):
    name: str
    steps: list[tuple[str, str]]


def rows() -> Iterator[Row]:
    row: Row | None = None
    for line in TABLE.strip().splitlines():
        if line.startswith(" "):
            assert row is not None
            does, _, told = line.partition(">")
            row.steps.append((does.strip(), told.strip()))
        else:
            if row is not None:
                yield row
            row = Row(line, [])
    assert row is not None
    yield row


class Story:
    """A session, and what happens elsewhere: Bob trades, the desk amends, time goes by."""

    def __init__(self) -> None:
        self._flow = Flow()
        self._flow.log_on()
        self._number = 1

    def told_of(self, step: str) -> list[str]:
        """Do a step; return what the session is told."""
        for act in step.split(", "):
            kind, _, terms = act.partition(" ")
            if len(kind) == 1:
                self._send(kind, terms)
            else:
                self._deliver(self._elsewhere(kind, *terms.split()))
        self._flow.execute(len(self._flow.submitted))
        sent = self._flow.sent()  # it hands over all reports of its requests, Bob's fills, too
        return [_shown(each) for each in sent if not (each.get(11) or b"").startswith(BOBS)]

    def _send(self, msg_type: str, terms: str) -> None:
        self._number += 1
        base = {"D": ORDER, "F": CANCEL, "G": REPLACE.replace("50001", "50000"), "H": STATUS}
        self._flow.receive(msg_type, f"{base[msg_type]}|{terms}", self._number)

    def _elsewhere(self, kind: str, *terms: str) -> list[Report]:
        room = self._flow.room
        if kind in ("sell", "buy"):
            quantity, price = (*terms, "50000")[:2]
            name = BOBS + b"%d" % len(room.records)
            side = Side.SELL if kind == "sell" else Side.BUY
            return room.enter(name, side, quantity, price, account_id=BOB)
        if kind == "midnight":
            room.now_ns += 24 * 3600 * 10**9
            return room.apply(ExpireOrders(99, len(room.records)))
        if kind == "kill":
            cancel = room.order_entry.cancel_all_orders(5, len(room.records), ALICE, symbol=None)
            return room.apply(cancel)
        return room.amend(1, *(("50000", *terms) if terms else ()))

    def _deliver(self, reports: list[Report]) -> None:
        for report in reports:
            if report.order is not None and report.order.account_id == ALICE:
                self._flow.flow.deliver(report.unsolicited(), NOW_NS)


def _shown(message: FixMessage) -> str:
    def text(tag: int) -> str:
        return (message.get(tag) or b"-").decode()

    if message.msg_type == b"9":
        return f"9 {text(39)} {text(434)} {text(102)}"
    amounts = [message.get(tag) for tag in (38, 14, 151)]
    shown = ["-" if each is None else f"{Decimal(each.decode()).normalize():f}" for each in amounts]
    return " ".join([text(150), text(39), *shown])


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: row.name)
def test_a_row_of_the_matrices(row: Row) -> None:
    story = Story()
    for step, told in row.steps:
        assert ", ".join(story.told_of(step)) == told, step

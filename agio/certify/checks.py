"""The checks of a certification: what the client is asked to do, and what must be seen of it.

Each check is a function of the bench, which raises `Failed` with what was missing. Whoever is not
logged on, or has no order where one is needed, is asked for that first: each may be run alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from agio.certify.bench import Bench, Failed
from gateway.fix import tags, values
from gateway.fix.codec import FixMessage

HEARTBEAT_S_MAX = 10
LOTS_TRADED = 1
ENTER_ORDER = "enter a limit order, good till cancel, of 0.01 BTCUSDT at 50000 (D)"


class Check(NamedTuple):
    """`task` is told to the client's operator, once there is an order if it needs one."""

    name: str
    task: str
    run: Callable[[Bench], Awaitable[None]]
    needs_order: bool = False


async def logon(bench: Bench) -> None:
    message = bench.logon
    if message.get(tags.Username) is None:
        raise Failed("Username(553), the API key, is missing in Logon(A)")
    if message.get(tags.Password) is None and message.get(tags.RawData) is None:
        raise Failed("Password(554) or a signature in RawData(96) is missing in Logon(A)")
    bench.check_proof()
    interval_s = int(message.get(tags.HeartBtInt) or 0)
    if interval_s > HEARTBEAT_S_MAX:
        raise Failed(f"HeartBtInt(108) is {interval_s}: at most {HEARTBEAT_S_MAX} for this")


async def heartbeat(bench: Bench) -> None:
    interval_s = int(bench.logon.get(tags.HeartBtInt) or 0)
    await bench.message(_is(b"0"), "no Heartbeat(0)", interval_s * 1.1 + 1)


async def test_request(bench: Bench) -> None:
    sent = bench.send_test_request()
    await bench.message(
        lambda message: message.msg_type == b"0" and message.get(tags.TestReqID) == sent,
        f"no Heartbeat(0) with TestReqID(112)={sent.decode()}",
    )


async def new_order(bench: Bench) -> None:
    await bench.message(_is(b"D"), "no NewOrderSingle(D)")
    await bench.until(lambda: bool(bench.open_orders()), "no order that the venue could accept")
    await bench.still_there()


async def partial_fill(bench: Bench) -> None:
    order = bench.order()
    bench.trade_with(order, LOTS_TRADED)
    await bench.still_there()


async def gap(bench: Bench) -> None:
    order = bench.order()
    number = bench.next_number
    bench.trade_with(order, LOTS_TRADED, is_lost=True)
    bench.send_test_request()
    asked = await bench.message(_is(b"2"), f"no ResendRequest(2), MsgSeqNum(34) {number} was lost")
    if int(asked.get(tags.BeginSeqNo) or 0) != number:
        begin = (asked.get(tags.BeginSeqNo) or b"").decode()
        raise Failed(f"ResendRequest(2) from BeginSeqNo(7)={begin}, {number} was lost")
    await bench.still_there()


async def replace(bench: Bench) -> None:
    request = await bench.message(_is(b"G"), "no OrderCancelReplaceRequest(G)")
    name = request.get(tags.ClOrdID) or b""
    await bench.until(
        lambda: any(order.client_order_id == name for order in bench.open_orders()),
        "no replace that the venue could carry out",
    )
    await bench.still_there()


async def cancel(bench: Bench) -> None:
    order = bench.order()
    await bench.message(_is(b"F"), "no OrderCancelRequest(F)")
    await bench.until(lambda: not order.status.is_open, "no cancel that the venue could carry out")
    await bench.still_there()


async def order_reject(bench: Bench) -> None:
    orders = len(bench.open_orders())
    await bench.message(_is(b"D"), "no NewOrderSingle(D)")
    await bench.still_there()
    if len(bench.open_orders()) != orders:
        raise Failed("the order was accepted: enter one that can't be")


async def business_reject(bench: Bench) -> None:
    with bench.venue_away():
        await bench.message(_is(b"D"), "no NewOrderSingle(D)")
        await bench.still_there()


async def session_reject(bench: Bench) -> None:
    with bench.rejecting(_is(b"D")):
        await bench.message(_is(b"D"), "no NewOrderSingle(D)")
    await bench.still_there()


async def resend(bench: Bench) -> None:
    lost = await bench.lose(_is(b"D"), "no NewOrderSingle(D)")
    bench.send_test_request()
    again = await bench.message(
        lambda message: message.msg_seq_num == lost.msg_seq_num and message is not lost,
        f"MsgSeqNum(34) {lost.msg_seq_num} was not sent again",
    )
    if again.msg_type != lost.msg_type:
        kind = again.msg_type.decode("latin-1")
        raise Failed(f"a message of type {kind} took the place of the NewOrderSingle(D)")
    if not again.is_poss_dup:
        raise Failed("PossDupFlag(43)=Y is missing in what was sent again")
    if again.get(tags.OrigSendingTime) is None:
        raise Failed("OrigSendingTime(122) is missing in what was sent again")
    await bench.still_there()
    if any(message.is_poss_dup and message.msg_type in {b"0", b"1"} for message in bench.seen):
        raise Failed("Heartbeat(0) was sent again: administrative messages are gap-filled")


async def cancel_on_disconnect(bench: Bench) -> None:
    if (bench.logon.get(tags.CancelOnDisconnect) or b"N") == values.CancelOnDisconnect.NONE:
        raise Failed("CancelOnDisconnect(8013) S or Y is missing in Logon(A)")
    order = bench.order()
    await bench.until_down("the connection was not dropped")
    if any(map(_is(b"5"), bench.seen)):
        raise Failed("Logout(5) was sent: drop the connection without")
    await bench.eventually(lambda: not order.status.is_open, "the venue did not cancel the order")
    bench.forget()
    await bench.until_up("no Logon(A) after the connection was lost")
    bench.check_proof()
    if bench.logon.get(tags.ResetSeqNumFlag) == b"Y":
        raise Failed("ResetSeqNumFlag(141)=Y: what happened meanwhile is lost, go on instead")
    if bench.logon.get(tags.NextExpectedMsgSeqNum) is None:
        await bench.message(_is(b"2"), "no ResendRequest(2) for the report of the cancel")
    await bench.still_there()


async def venue_logout(bench: Bench) -> None:
    bench.log_out("certification: answer this Logout(5)")
    await bench.message(_is(b"5"), "Logout(5) was not answered")
    await bench.until_down("the connection stayed open behind Logout(5)")


async def logout(bench: Bench) -> None:
    await bench.message(_is(b"5"), "no Logout(5)")
    await bench.until_down("the connection stayed open behind Logout(5)")


def _is(msg_type: bytes) -> Callable[[FixMessage], bool]:
    def matches(message: FixMessage) -> bool:
        return message.msg_type == msg_type and not message.is_poss_dup

    return matches


CHECKS = (
    Check(
        "logon",
        "log on with ResetSeqNumFlag(141)=Y, CancelOnDisconnect(8013)=S and HeartBtInt(108) of at "
        f"most {HEARTBEAT_S_MAX} s",
        logon,
    ),
    Check("heartbeat", "do nothing: keep the session alive", heartbeat),
    Check("test_request", "do nothing: answer TestRequest(1)", test_request),
    Check(
        "new_order",
        ENTER_ORDER,
        new_order,
    ),
    Check("partial_fill", "do nothing: take a partial fill", partial_fill, needs_order=True),
    Check("gap", "do nothing: a fill is lost on its way, ask for it", gap, needs_order=True),
    Check("replace", "replace the order: another price or quantity (G)", replace, needs_order=True),
    Check("cancel", "cancel the order (F)", cancel, needs_order=True),
    Check(
        "order_reject",
        "enter an order that can't be accepted, at 50000.001 say; go on after its refusal",
        order_reject,
    ),
    Check(
        "business_reject",
        "enter an order: BusinessMessageReject(j) comes, the venue is away; go on",
        business_reject,
    ),
    Check("session_reject", "enter an order: Reject(3) comes; go on", session_reject),
    Check(
        "resend",
        "enter an order: it is lost on its way, send it again when asked to",
        resend,
    ),
    Check(
        "cancel_on_disconnect",
        "drop the connection without Logout(5), log on again without a reset, and ask for what is "
        "missing",
        cancel_on_disconnect,
        needs_order=True,
    ),
    Check("venue_logout", "do nothing: answer Logout(5)", venue_logout),
    Check("logout", "log on again, then log out (5)", logout),
)

"""The strict shape of the firm's own events, as execution engines hand them in."""

from __future__ import annotations

import re
from collections.abc import Collection

import msgspec

from trading import events as stream_events
from trading.decisions import Action
from trading.events import DecisionTaken, OrderReported, OwnEvent, ReportKind, TradeAmended
from trading.feeds.rejects import RejectedError, RejectReason

INT64_MAX = 2**63 - 1
REPORT_ID_CHARACTERS_MAX = 64
REASON_CHARACTERS_MAX = 1_000

_STRATEGY = re.compile(r"[a-z][a-z0-9]{0,7}")
_SIGNED = ("fee_units", "undone_fee_units")  # a rebate is a fee below 0
_decode = msgspec.msgpack.Decoder(OwnEvent).decode


def decode_own_event(data: bytes | memoryview, symbols: Collection[str]) -> OwnEvent:
    """Return the event, whose number and time are still to be set. Raises `RejectedError`."""
    try:
        event: OwnEvent = _decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RejectedError(RejectReason.MALFORMED, str(error)) from None
    if stream_events.encode(event) != data:
        raise RejectedError(RejectReason.MALFORMED, "more, or otherwise encoded, than its fields")
    _check_integers(event)
    if event.symbol not in symbols:
        raise RejectedError(RejectReason.UNKNOWN_SYMBOL, f"symbol {event.symbol[:40]!r}")
    if problem := _problem(event) or _problem_of_kind(event):
        raise RejectedError(RejectReason.INCONSISTENT, problem)
    return event


def _check_integers(event: OwnEvent) -> None:
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if not isinstance(value, int):
            continue
        least = -INT64_MAX if name in _SIGNED else 0
        if not least <= value <= INT64_MAX:
            raise RejectedError(RejectReason.MALFORMED, f"{name} {value} is out of range")


def _problem(event: OwnEvent) -> str:
    if event.stream_sequence or event.received_ns:
        return "stream_sequence and received_ns are the handler's to set"
    if not _STRATEGY.fullmatch(event.strategy):
        return f"strategy {event.strategy[:40]!r}"
    if not (event.epoch and event.order):
        return "epochs and orders count from 1"
    return ""


def _problem_of_kind(event: OwnEvent) -> str:
    match event:
        case DecisionTaken():
            return _decision_problem(event)
        case OrderReported():
            return _report_problem(event)
        case TradeAmended():
            return _amendment_problem(event)


def _decision_problem(event: DecisionTaken) -> str:
    if event.action == Action.PLACE and event.order != event.number:
        return f"decision {event.number} places order {event.order}, not its own"
    if event.action == Action.CANCEL and event.order >= event.number:
        return f"decision {event.number} cancels order {event.order}, which is later"
    return ""


def _report_problem(event: OrderReported) -> str:
    fill = (event.fill_price_ticks, event.fill_lots, event.fee_units, event.trade_id)
    if event.kind == ReportKind.TRADED and event.fill_lots == 0:
        return "a trade of nothing"
    if event.kind != ReportKind.TRADED and (any(fill) or event.is_maker):
        return "a fill, and nothing traded"
    if event.cumulative_lots + event.leaves_lots > event.lots:
        return "more lots than were ordered"
    if not 0 < len(event.report_id) <= REPORT_ID_CHARACTERS_MAX:
        return f"a report_id of {len(event.report_id)} characters"
    if len(event.reason) > REASON_CHARACTERS_MAX:
        return f"a reason of {len(event.reason)} characters"
    return ""


def _amendment_problem(event: TradeAmended) -> str:
    if not event.amendment:
        return "amendments count from 1"
    if not event.undone_lots:
        return "nothing that could be amended"
    if not event.lots and (event.price_ticks or event.fee_units):
        return "a price or a fee of nothing"
    return ""

"""A report's way into a FIX session, whether or not anyone is logged on: once, and in order."""

from __future__ import annotations

from functools import partial

from gateway.auth import Identity
from gateway.fix.message_buffer import MessageBuffer
from gateway.fix.outbound import store_application
from gateway.fix.session import Session, SessionSettings
from gateway.fix.store import SessionStore
from gateway.fix_application.reports import put_message
from gateway.orders import Report
from vocabulary.catalogue import Catalogue

_REPORT_SHIFT = 20
_OUT = MessageBuffer()


def watermark_of(sequence: int, report_index: int) -> int:
    """Return a report's place in the journal as one number; 0 stands before all of them."""
    return (sequence << _REPORT_SHIFT) + report_index + 1


def deliver(
    report: Report,
    session: Session | None,
    store: SessionStore,
    identity: Identity,
    settings: SessionSettings,
    catalogue: Catalogue,
    now_ns: int,
    more: bytes = b"",
) -> None:
    """Send a report, or keep it for the next logon; but one that has its message already.

    `more` is put in front of its fields.
    """
    watermark = watermark_of(report.record.sequence, report.report_index)
    if watermark <= store.watermark:
        return
    out = _OUT
    out.start()
    out.put(more)
    msg_type = put_message(out, report, catalogue)
    if session is not None:
        session.send_put(msg_type, out, now_ns, watermark)
    else:
        body = out.fields()
        deliver_message(msg_type, body, watermark, session, store, identity, settings, now_ns)


def deliver_message(
    msg_type: bytes,
    body: bytes,
    watermark: int,
    session: Session | None,
    store: SessionStore,
    identity: Identity,
    settings: SessionSettings,
    now_ns: int,
) -> None:
    """Send what a place in the journal brings, or keep it, unless it was there before."""
    if watermark <= store.watermark:
        return
    if not store.is_held:
        store.defer(
            watermark,
            partial(deliver_message, msg_type, body, watermark, None, store, identity, settings),
        )
        return
    if session is not None:
        session.send_application(msg_type, body, now_ns, watermark)
    else:
        store_application(
            settings.sender_comp_id,
            identity.sender_comp_id,
            store,
            msg_type,
            body,
            now_ns,
            watermark,
        )

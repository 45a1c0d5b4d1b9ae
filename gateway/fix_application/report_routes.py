"""Which FIX sessions a record's reports go to."""

from __future__ import annotations

from collections.abc import Callable

from gateway.cancel_on_disconnect import Watch
from gateway.fix_application import list_status as fix_list_status
from gateway.fix_application.order_flow import OrderFlow
from gateway.fix_application.session_answers import EPOCH_SHIFT
from gateway.orders import Report, ReportKind
from vocabulary.codec import LAYOUTS, Record
from vocabulary.commands import CancelAllOrders

_REPEATED = ReportKind.REPEATED
_CANCEL_ALL_ORDERS = LAYOUTS[CancelAllOrders].kind


class ReportRoutes:
    """Gives each session its reports, and each requester its answer.

    `flows` has the sessions by number, and `watches` those that want their orders canceled once
    they are gone; both are their owner's, who adds to them: `look_for_more` tells it that a session
    is used which is not among them. `touched` collects who got something.
    """

    def __init__(
        self,
        flows: dict[int, OrderFlow],
        watches: dict[OrderFlow, Watch],
        look_for_more: Callable[[], None] = lambda: None,
    ) -> None:
        self.touched: set[OrderFlow] = set()
        self.used_epochs: dict[int, int] = {}
        """The last epoch of which requests are known, of sessions that are not here."""
        self._flows = flows
        self._watches = watches
        self._look_for_more = look_for_more

    def on_record(self, record: Record, reports: list[Report], now_ns: int) -> None:
        """Give a record's reports to the sessions they belong to, and its requester its answer."""
        requester = self._flows.get(record.session_id)
        if requester is None and record.session_number >> EPOCH_SHIFT:
            requester = self._found(record.session_id, record.session_number >> EPOCH_SHIFT)
        is_about_lists = False
        for report in reports:
            if requester is not None and report.is_requester:
                requester.deliver(report, now_ns)
            order = report.order
            if order is None:
                continue
            if order.order_list is not None:
                is_about_lists = True
            if report.kind is _REPEATED:
                continue
            owner = self._flows.get(order.session_id)
            if owner is None:
                continue
            if self._watches and owner in self._watches:
                self._watches[owner].look_again()
            if owner is not requester or not report.is_requester:
                owner.deliver(report.unsolicited(), now_ns)
                self.touched.add(owner)
        place = len(reports)  # what else there is to tell stands behind them
        if is_about_lists:
            place = self._tell_of_lists(record, reports, place, now_ns)
        if requester is not None:
            if record.command_kind == _CANCEL_ALL_ORDERS:
                requester.mass_canceled(record, reports, place, now_ns)
            requester.acknowledge(record.session_number, now_ns)
            self.touched.add(requester)

    def _found(self, session_id: int, epoch: int) -> OrderFlow | None:
        """Return a FIX session that another gateway may have made; note its epoch if not."""
        if epoch > self.used_epochs.get(session_id, 0):
            self._look_for_more()
            if session_id in self._flows:
                return self._flows[session_id]
        self.used_epochs[session_id] = epoch
        return None

    def _tell_of_lists(self, record: Record, reports: list[Report], place: int, now_ns: int) -> int:
        """Say which lists a record has entered or ended, and return the next place."""
        for order_list in fix_list_status.changed(record, reports):
            owner = self._flows.get(order_list.orders[0].session_id)
            if owner is not None:
                body = fix_list_status.news(order_list, record.timestamp_ns)
                at = (record.sequence, place)
                owner.deliver_message(fix_list_status.LIST_STATUS, body, at, now_ns)
                self.touched.add(owner)
            place += 1
        return place

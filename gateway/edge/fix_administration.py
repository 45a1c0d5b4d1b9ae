"""The ops desk's hand on the FIX sessions of this gateway: in, out, and both numbers at 1 again.

Nothing here looks at sessions while there is nothing to do: what is due is known beforehand, by the
rules' times, and a change of the rules is looked at once. A live session is logged out first, and
its numbers begin anew when it is gone: its Logout(5) still has its place among the old ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

import structlog

from gateway.edge.fix_logons import Peer
from gateway.edge.fix_service import Flow, NoSessionError, Service
from gateway.fix.events import LogonReceived
from gateway.fix.session import Session
from gateway.fix.timestamps import format_utc_timestamp
from gateway.maintenance import Maintenance, MaintenanceWatch, news
from gateway.session_rules import Key, SessionRule, SessionRules

Standing = tuple[str, int, str, str, str, int, int, int]
"""A session's service, account, SenderCompID(49), state, peer, both next numbers, last activity."""

NEWS = b"B"
HEADLINE = "maintenance"
LOGONS_REMEMBERED_MAX = 20_000
_MILLISECOND_NS = 1_000_000

log = structlog.get_logger("gateway")


class FixAdministration:
    """Applies rules to the sessions of all services. Times are UTC nanoseconds."""

    def __init__(self, rules: SessionRules, services: Sequence[Service]) -> None:
        self._rules = rules
        self._services = services
        self._service_named = {service.name: service for service in services}
        self._logged_on: dict[Key, tuple[int, Peer]] = {}  # also of who is gone
        self._unfinished: set[Flow] = set()  # logged out by us, and to be looked at once they are
        self._ruled: set[Key] = set()
        self._due_ns = 0
        self._maintenance = MaintenanceWatch()
        self._tell_others: Callable[[Maintenance, int], object] = lambda _maintenance, _now_ns: None

    def certificates(self, service: Service, logon: LogonReceived) -> set[str]:
        """Return whose certificates may log on by this CompID."""
        return self._rules.certificates(service.name, logon.sender_comp_id.decode("latin-1"))

    def check(self, key: Key, logon: LogonReceived, peer: Peer, now_ns: int) -> None:
        """Raise `NoSessionError` if this session may not log on so."""
        refusal = self._maintenance.refusal(now_ns) or self._rules.refusal(
            key,
            address=peer.address,
            certificate=peer.certificate_name,
            heartbeat_s=logon.heartbeat_interval_s,
            now_ns=now_ns,
        )
        if refusal:
            raise NoSessionError(refusal)

    def prepare(self, key: Key, flow: Flow, logon: LogonReceived, now_ns: int) -> None:
        """Start the numbers at 1 if that is due.

        Raises `NoSessionError` if the client goes on with those of before: what it would send again
        has been done under other numbers. Raises `OSError`.
        """
        self._reset_if_due(key, flow, now_ns)
        store = flow.store
        began_ns = store.creation_time_ns
        is_untouched = store.next_target_msg_seq_num == 1
        if is_untouched and logon.message.msg_seq_num > 1 and self._was_reset(key, flow, now_ns):
            when = format_utc_timestamp(began_ns).decode()
            raise NoSessionError(f"MsgSeqNum(34) must be 1: both numbers were reset at {when}")

    def admitted(self, key: Key, peer: Peer, now_ns: int) -> SessionRule | None:
        """Note who has logged on; return what is laid down for it."""
        if len(self._logged_on) >= LOGONS_REMEMBERED_MAX:
            live = {key for key, flow in self.sessions() if flow.session is not None}
            self._logged_on = {key: self._logged_on[key] for key in live & set(self._logged_on)}
        self._logged_on[key] = now_ns, peer
        rule = self._rules.of(key)
        if rule is not None:
            self._service_named[rule.service].apply(rule)
        return rule

    def greet(self, session: Session, now_ns: int) -> None:
        """Tell who has just logged on what everyone else has been told."""
        text = self._maintenance.text(now_ns)
        if text:
            session.send_application(NEWS, news(HEADLINE, text, now_ns), now_ns)

    def hear_maintenance(self, maintenance: Maintenance | None) -> None:
        """Take in which maintenance is announced, or going on; None: none is."""
        self._maintenance.hear(maintenance)

    def also_tell(self, tell: Callable[[Maintenance, int], object]) -> None:
        """Have others told of a maintenance, too, whenever FIX sessions are, and when that is."""
        self._tell_others = tell

    def changed(
        self, rules: Iterable[SessionRule], now_ns: int, withdrawn: Iterable[Key] = ()
    ) -> None:
        """Carry out what the desk has changed; of those `withdrawn` it knows nothing any more."""
        rules, withdrawn = list(rules), list(withdrawn)
        self._rules.update(rules)
        self._rules.withdraw(withdrawn)
        for rule in [*rules, *map(_no_rule, withdrawn)]:
            if rule.service in self._service_named:
                self._service_named[rule.service].apply(rule)
        self._look_at_all(now_ns)

    def rule_new_ones(self) -> None:
        """Apply what is laid down for sessions that are new here: other gateways make some, too."""
        keys = {key for key, _ in self.sessions()}
        for key in keys - self._ruled:
            rule = self._rules.of(key)
            if rule is not None:
                self._service_named[rule.service].apply(rule)
        self._ruled = keys

    def tick(self, now_ns: int) -> None:
        """Do what time asks for."""
        if len(self._ruled) != sum(map(len, self._services)):
            self.rule_new_ones()
        if now_ns >= self._due_ns:
            self._look_at_all(now_ns)
        self._count_down(now_ns)
        if self._unfinished:
            keys = {flow: key for key, flow in self.sessions() if flow in self._unfinished}
            self._unfinished.clear()
            for flow, key in keys.items():
                self._look_at(key, flow, now_ns)

    def sessions(self) -> Iterator[tuple[Key, Flow]]:
        """Yield every session there is."""
        return chain.from_iterable(map(_keyed, self._services))

    def standing(self, key: Key, flow: Flow) -> Standing:
        """Return how a session stands, in the terms of the ops HTTP; times in milliseconds."""
        session, (service, identity) = flow.session, key
        logged_on_ns, peer = self._logged_on.get(key, (0, None))
        state, address, active_ns = "away", "", logged_on_ns
        if session is not None and peer is not None:
            state, address = session.state.name.lower(), peer.address
            active_ns = session.last_received_ns
        store = flow.store
        return (
            service,
            identity.account_id,
            identity.sender_comp_id.decode("latin-1"),
            state,
            address,
            store.next_sender_msg_seq_num,
            store.next_target_msg_seq_num,
            active_ns // _MILLISECOND_NS,
        )

    def _count_down(self, now_ns: int) -> None:
        text = self._maintenance.tick(now_ns)
        if text:
            log.warning("maintenance announced", text=text)
            body = news(HEADLINE, text, now_ns)
            for _, session, flow in self._live():
                session.send_application(NEWS, body, now_ns)
                flow.flush()
            if self._maintenance.announced is not None:
                self._tell_others(self._maintenance.announced, now_ns)
        if self._maintenance.begins(now_ns):
            for key, session, flow in self._live():
                log.info("FIX session logged out for maintenance", key=key)
                session.send_logout(self._maintenance.refusal(now_ns), now_ns)
                flow.flush()

    def _live(self) -> list[tuple[Key, Session, Flow]]:
        return [
            (key, flow.session, flow)
            for key, flow in self.sessions()
            if flow.session is not None and flow.session.is_logged_on
        ]

    def _look_at_all(self, now_ns: int) -> None:
        for key, flow in list(self.sessions()):
            self._look_at(key, flow, now_ns)
        self._due_ns = self._rules.next_due_ns(now_ns)

    def _look_at(self, key: Key, flow: Flow, now_ns: int) -> None:
        session = flow.session
        if session is None:
            try:
                self._reset_if_due(key, flow, now_ns)
            except OSError as error:  # tried again at its next logon, at the latest
                log.error("FIX session not reset", key=key, reason=str(error))  # noqa: TRY400
            return
        logged_on_ns, _ = self._logged_on[key]
        began_ns = flow.store.creation_time_ns
        text = self._rules.why_out(key, began_ns, logged_on_ns, now_ns)
        if not text:
            return
        self._unfinished.add(flow)
        if session.is_logged_on:
            log.info("FIX session logged out by the desk", key=key, reason=text)
            session.send_logout(text, now_ns)
            flow.flush()

    def _reset_if_due(self, key: Key, flow: Flow, now_ns: int) -> None:
        store, since_ns = flow.store, self._rules.numbers_since_ns(key, now_ns)
        was_held = store.is_held
        if store.creation_time_ns >= since_ns or not store.claim():
            return  # what another gateway holds is its own to reset
        if store.creation_time_ns < since_ns:
            # The desk's clock may be ahead of ours: once must be enough.
            store.reset(max(now_ns, since_ns))
            log.info("FIX session's numbers reset", key=key, epoch=store.epoch)
        if not was_held:
            store.release()

    def _was_reset(self, key: Key, flow: Flow, now_ns: int) -> bool:
        since_ns = self._rules.numbers_since_ns(key, now_ns)
        return flow.store.epoch > 1 and since_ns > 0 and flow.store.creation_time_ns >= since_ns


def _keyed(service: Service) -> Iterator[tuple[Key, Flow]]:
    return (((service.name, flow.identity), flow) for flow in service.flows())


def _no_rule(key: Key) -> SessionRule:
    """Return what counts for a session for which nothing is laid down."""
    service, identity = key
    return SessionRule(service, identity.account_id, identity.sender_comp_id.decode("latin-1"))

"""What the ops desk has laid down for FIX sessions: who may log on, how, and from which number.

A reset is a moment: the numbers must have begun at it or later. So it is the same however often and
by however many gateways it is carried out, for the desk's resets and the scheduled ones alike.
Times are UTC nanoseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_network

import msgspec

from gateway.auth import Identity
from vocabulary.session_times import Hours, RecurringTime

NEVER_NS = 1 << 63

Key = tuple[str, Identity]
"""A session: its service's name and whose it is."""


class SessionRule(msgspec.Struct, frozen=True):
    """One session's, as the accounts service tells it; what is empty or 0 is the venue's default.

    `addresses` are networks as CIDR; `certificate` is the common name that the client's certificate
    must have; `reset_time` is `never` where the venue's is not to count; of `copied_accounts` a
    drop copy tells beside its own. Both count for what comes after they were set. `disabled` says
    why.
    """

    service: str
    account_id: int
    sender_comp_id: str
    heartbeat_min_s: int = 0
    heartbeat_max_s: int = 0
    orders_per_s: int = 0
    cancel_on_disconnect: str = ""
    cancel_grace_ms: int = 0
    reset_time: str = ""
    reset_time_set_ns: int = 0
    hours: str = ""
    addresses: tuple[str, ...] = ()
    certificate: str = ""
    copied_accounts: tuple[int, ...] = ()
    copied_accounts_set_ns: int = 0
    disabled: str = ""
    reset_after_ns: int = 0
    logout_after_ns: int = 0

    @property
    def key(self) -> Key:
        return self.service, Identity(self.account_id, self.sender_comp_id.encode("latin-1"))


class SessionRules:
    """All that is laid down.

    `reset_time` is the venue's. With `must_be_made` a session needs a rule to log on.
    """

    def __init__(
        self, reset_time: RecurringTime | None = None, *, must_be_made: bool = False
    ) -> None:
        self.must_be_made = must_be_made
        self._reset_time = reset_time
        self._rules: dict[Key, SessionRule] = {}

    def __iter__(self) -> Iterator[SessionRule]:
        return iter(self._rules.values())

    def update(self, rules: Iterable[SessionRule]) -> None:
        self._rules.update((rule.key, rule) for rule in rules)

    def withdraw(self, keys: Iterable[Key]) -> None:
        """Have nothing laid down for these sessions."""
        for key in keys:
            self._rules.pop(key, None)

    def of(self, key: Key) -> SessionRule | None:
        return self._rules.get(key)

    def certificates(self, service: str, comp_id: str) -> set[str]:
        """Return whose certificates may log on by a CompID: its own, unless they are bound."""
        bound = {
            rule.certificate
            for rule in self._rules.values()
            if rule.sender_comp_id == comp_id and rule.service == service and rule.certificate
        }
        return bound | {comp_id}

    def refusal(
        self, key: Key, *, address: str, certificate: str | None, heartbeat_s: int, now_ns: int
    ) -> str:
        """Return why a session can't log on so, "" if it can; the text is fit for the peer."""
        rule = self._rules.get(key)
        if rule is None:
            return "this session has not been made" if self.must_be_made else ""
        if rule.disabled:
            return f"this session is disabled: {rule.disabled}"
        if rule.addresses and not any(
            ip_address(address) in ip_network(network) for network in rule.addresses
        ):
            return f"this session may not log on from {address}"
        if (rule.certificate or certificate is not None) and certificate != (
            rule.certificate or rule.sender_comp_id
        ):
            return "this session is bound to another client certificate"
        if rule.hours and not Hours.parse(rule.hours).contain(now_ns):
            return f"this session's hours are {rule.hours} UTC"
        least, most = rule.heartbeat_min_s, rule.heartbeat_max_s
        if heartbeat_s < least or (most and heartbeat_s > most):
            return f"HeartBtInt(108) must be {least or 1} to {most or 60} for this session"
        return ""

    def numbers_since_ns(self, key: Key, now_ns: int) -> int:
        """Return when a session's numbers must have begun at the earliest; 0: whenever."""
        rule, time = self._rules.get(key), self._reset_time_of(key)
        scheduled_ns = time.last_ns(now_ns) if time is not None else 0
        if rule is None:
            return scheduled_ns
        if rule.reset_time and scheduled_ns < rule.reset_time_set_ns:
            scheduled_ns = 0
        return max(scheduled_ns, rule.reset_after_ns)

    def why_out(self, key: Key, numbers_began_ns: int, logged_on_ns: int, now_ns: int) -> str:
        """Return why who is logged on is to be logged out now, "" if not."""
        rule = self._rules.get(key)
        if rule is not None and rule.disabled:
            return f"this session is disabled: {rule.disabled}"
        if rule is not None and logged_on_ns < rule.logout_after_ns:
            return "logged out by the venue"
        if rule is not None and rule.hours and not Hours.parse(rule.hours).contain(now_ns):
            return f"this session's hours are {rule.hours} UTC"
        if numbers_began_ns < self.numbers_since_ns(key, now_ns):
            return "the sequence numbers are reset: both begin at 1"
        return ""

    def next_due_ns(self, now_ns: int) -> int:
        """Return when, after now, time alone may next reset a session or log it out."""
        due_ns = self._reset_time.next_ns(now_ns) if self._reset_time is not None else NEVER_NS
        for rule in self._rules.values():
            time = self._reset_time_of(rule.key)
            if time is not None:
                due_ns = min(due_ns, time.next_ns(now_ns))
            if rule.hours:
                due_ns = min(due_ns, Hours.parse(rule.hours).next_end_ns(now_ns))
        return due_ns

    def _reset_time_of(self, key: Key) -> RecurringTime | None:
        rule = self._rules.get(key)
        if rule is None or not rule.reset_time:
            return self._reset_time
        return RecurringTime.parse(rule.reset_time) if rule.reset_time != "never" else None

"""What the ops desk says to the venue about FIX sessions, and what it hears back."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, model_validator

from accounts.maintenance_api import AnnouncedReply
from accounts.ops_api import AccountId, CompId, Reply, Request
from vocabulary.session_times import Hours, RecurringTime

HEARTBEAT_S_MAX = 60
ORDERS_PER_S_MAX = 1_000_000
GRACE_MS_MAX = 60_000
ADDRESSES_MAX = 64
COPIED_ACCOUNTS_MAX = 1_000
STANDINGS_MAX = 1_000

ServiceName = Literal["order_entry", "drop_copy", "market_data"]
Seconds = Annotated[int, Field(ge=0, le=HEARTBEAT_S_MAX, strict=True)]
Reason = Annotated[str, Field(pattern=r"^[ -~]{1,128}$")]


def _reset_time(text: str) -> str:
    if text not in {"", "never"}:
        RecurringTime.parse(text)
    return text


def _hours(text: str) -> str:
    if text:
        Hours.parse(text)
    return text


def _network(text: str) -> str:
    return str(ip_network(text))


class FixSessionSettings(BaseModel):
    """A session's settings; what is left out, "" or 0 is as the venue has it for all.

    HeartBtInt(108) from and to; orders a second; what CancelOnDisconnect(8013) and its window are
    where a Logon(A) names none; `[WEEKDAY ]HH:MM[:SS]` or `never`, when both numbers begin at 1
    anew; `HH:MM-HH:MM` or `WEEKDAY HH:MM-WEEKDAY HH:MM`, when it may be logged on, all in UTC;
    networks as CIDR that it may log on from; the common name of its client certificate; the other
    accounts whose reports a drop copy has, too.
    """

    heartbeat_min_s: Seconds = 0
    heartbeat_max_s: Seconds = 0
    orders_per_s: Annotated[int, Field(ge=0, le=ORDERS_PER_S_MAX, strict=True)] = 0
    cancel_on_disconnect: Literal["", "S", "Y"] = ""
    cancel_grace_ms: Annotated[int, Field(ge=0, le=GRACE_MS_MAX, strict=True)] = 0
    reset_time: Annotated[str, AfterValidator(_reset_time)] = ""
    hours: Annotated[str, AfterValidator(_hours)] = ""
    addresses: Annotated[
        list[Annotated[str, AfterValidator(_network)]], Field(max_length=ADDRESSES_MAX)
    ] = []
    certificate: Annotated[str, Field(pattern=r"^[ -~]{0,64}$")] = ""
    copied_accounts: Annotated[list[AccountId], Field(max_length=COPIED_ACCOUNTS_MAX)] = []


class FixSessionPath(Request):
    service: ServiceName
    account_id: AccountId
    sender_comp_id: CompId


class FixSessionsQuery(Request):
    account_id: AccountId | None = None
    service: ServiceName | None = None


class ChangeFixSession(FixSessionSettings, Request):
    """What is named is changed, the rest stays."""

    @model_validator(mode="after")
    def _fits_the_service(self) -> ChangeFixSession:
        if self.heartbeat_max_s and self.heartbeat_min_s > self.heartbeat_max_s:
            raise ValueError("heartbeat_min_s is above heartbeat_max_s")
        return self


class MakeFixSession(ChangeFixSession):
    service: ServiceName = "order_entry"
    account_id: AccountId
    sender_comp_id: CompId


class DisableFixSession(Request):
    """`reason` is told to whoever is logged on, or tries to."""

    reason: Reason = "by the venue"


class FixStandingReply(Reply):
    """How a session stands at one gateway, as that last told; numbers are those to come next.

    `state` is the session's, `away` while nobody is logged on, `unknown` while the gateway is
    silent. `applied`: whether the gateway does as the desk has laid down by now.
    """

    gateway: str
    state: str
    address: str
    next_sender_msg_seq_num: int
    next_target_msg_seq_num: int
    last_received_ms: int
    applied: bool


class FixSessionReply(FixSessionSettings, Reply):
    """`made`: the desk knows it; else it came to be by a logon, and the venue's settings count.

    `disabled` says why it is, "" if not. `pending` are gateways that don't know the newest yet.
    """

    service: str
    account_id: int
    sender_comp_id: str
    made: bool
    disabled: str
    standings: list[FixStandingReply]
    pending: list[str]


class FixSessionsReply(Reply):
    fix_sessions: list[FixSessionReply]


# What gateways say and hear


class GatewayPath(Request):
    gateway: Annotated[str, Field(pattern=r"^[!-~]{1,255}$")]


Standing = tuple[
    ServiceName,
    AccountId,
    Annotated[str, Field(min_length=1, max_length=64)],
    str,
    str,
    Annotated[int, Field(ge=1)],
    Annotated[int, Field(ge=1)],
    Annotated[int, Field(ge=0)],
]
"""Service, account, SenderCompID(49), state, address, next numbers out and in, last activity."""


class TellStandings(Request):
    """A gateway knows the rules up to version `since`; these sessions stand otherwise now."""

    since: Annotated[int, Field(ge=0)]
    standings: Annotated[list[Standing], Field(max_length=STANDINGS_MAX)]


class FixRuleReply(FixSessionSettings, Reply):
    service: str
    account_id: int
    sender_comp_id: str
    reset_time_set_ns: int
    copied_accounts_set_ns: int
    disabled: str
    reset_after_ns: int
    logout_after_ns: int


class FixRulesReply(Reply):
    """All rules that changed after `since`. `desk` names this run of the accounts service."""

    desk: str
    version: int
    sessions: list[FixRuleReply]
    maintenance: AnnouncedReply | None

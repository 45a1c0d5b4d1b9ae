"""What the ops desk says to the venue, and what it hears back. Amounts are decimal text."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from accounts.keys import COMP_ID
from accounts.users import ACCOUNT_NAME
from vocabulary.types import ID_MAX

LIST_LIMIT_MAX = 1000

AccountName = Annotated[str, Field(pattern=ACCOUNT_NAME)]
AccountId = Annotated[int, Field(ge=1, le=ID_MAX)]
AssetName = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,15}$")]
# Only what may be a decimal at all; the asset or instrument has the last word.
Decimal = Annotated[str, Field(pattern=r"^[0-9]{1,20}(\.[0-9]{1,18})?$", examples=["0.01"])]
Label = Annotated[str, Field(pattern=r"^[ -~]{0,64}$")]
CompId = Annotated[str, Field(pattern=COMP_ID)]
Permission = Literal["read", "trade"]


class OpsError(Exception):
    """A request that is answered with an error: HTTP status, code, and the field at fault."""

    def __init__(self, status: int, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.field = field


class Request(BaseModel):
    """A request, from the body or from path and query. What it does not know it refuses."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Reply(BaseModel):
    model_config = ConfigDict(frozen=True)


class ErrorDetail(Reply):
    code: str
    message: str
    field: str | None = None


class ErrorReply(Reply):
    error: ErrorDetail


# Accounts


class AccountPath(Request):
    account_id: AccountId


class AccountsQuery(Request):
    """`after` is the last account_id of the page before."""

    name: AccountName | None = None
    after: Annotated[int, Field(ge=0, le=ID_MAX)] = 0
    limit: Annotated[int, Field(ge=1, le=LIST_LIMIT_MAX)] = LIST_LIMIT_MAX


class CreateAccount(Request):
    name: AccountName


class AccountReply(Reply):
    account_id: int
    name: str


class AccountsReply(Reply):
    accounts: list[AccountReply]


class Credit(Request):
    asset: AssetName
    amount: Decimal


class SetSelfTradePreventionRequest(Request):
    """What orders that name no mode do where they would trade with one of the same account."""

    self_trade_prevention: Literal[
        "none", "expire_taker", "expire_maker", "expire_both", "decrement"
    ]


class SelfTradePreventionReply(Reply):
    """It is so since the journal's record `sequence`."""

    sequence: int
    self_trade_prevention: str


class SuspensionReply(Reply):
    """It is so since the journal's record `sequence`, which ended `canceled_orders` orders."""

    sequence: int
    suspended: bool
    canceled_orders: int


class CreditReply(Reply):
    """`available` is what the account may spend since the journal's record `sequence`."""

    sequence: int
    asset: str
    amount: str
    available: str


class BalanceReply(Reply):
    asset: str
    amount: str


class BalancesReply(Reply):
    """The ledger as of the journal's record `settled_sequence`."""

    settled_sequence: int
    balances: list[BalanceReply]


# API keys


class KeyPath(Request):
    api_key: Annotated[str, Field(pattern=r"^[ -~]{1,128}$")]


class KeysQuery(Request):
    account_id: AccountId


class CreateKey(Request):
    """For one account, by number or by name. No `sender_comp_ids`: any SenderCompID(49) will do.

    With a `public_key` (Ed25519, PEM or base64) its owner signs; otherwise a secret is made.
    """

    account_id: AccountId | None = None
    account: AccountName | None = None
    label: Label = ""
    permissions: Annotated[list[Permission], Field(min_length=1, max_length=2)] = [
        "read",
        "trade",
    ]
    sender_comp_ids: Annotated[list[CompId], Field(max_length=32)] = []
    public_key: Annotated[str, Field(max_length=1_000)] | None = None

    @model_validator(mode="after")
    def _names_one_account(self) -> Self:
        if (self.account_id is None) == (self.account is None):
            raise ValueError("give either account_id or account")
        return self


class KeyReply(Reply):
    api_key: str
    account_id: int
    label: str
    permissions: list[str]
    sender_comp_ids: list[str]
    public_key: str | None
    """In base64; null where the key has a secret."""


class NewKeyReply(KeyReply):
    """The only reply that ever shows the secret; null where the key is a public one."""

    secret: str | None


class KeysReply(Reply):
    keys: list[KeyReply]


class CredentialReply(Reply):
    """What a gateway needs to authenticate a client."""

    api_key: str
    secret: str
    account_id: int
    sender_comp_ids: list[str]
    permissions: list[str]
    public_key: str
    """In base64; this or the secret is empty."""


# Whether the money adds up


class AssetSumsReply(Reply):
    asset: str
    sum: str
    customers: str
    fees: str
    custody: str


class DifferenceReply(Reply):
    account_id: int
    asset: str
    engine: str
    ledger: str


class TrialBalanceReply(Reply):
    """Engine and ledger, both as of the journal's record `settled_sequence`."""

    settled_sequence: int
    assets: list[AssetSumsReply]
    differences: list[DifferenceReply]
    agrees: bool


class HealthReply(Reply):
    model_config = ConfigDict(extra="allow")

    ready: bool

"""What the ops desk can do: one method per operation. `ops_routes` says where HTTP finds each."""

from __future__ import annotations

import base64
import secrets

from accounts.edge.desk_store import DeskStore
from accounts.edge.engine_desk import EngineDesk
from accounts.keys import (
    API_KEY_BYTES,
    NONCE_BYTES,
    SECRET_BYTES,
    Key,
    SecretBox,
    new_credential,
    parse_public_key,
)
from accounts.listings import Listings
from accounts.ops_api import (
    AccountPath,
    AccountReply,
    AccountsQuery,
    AccountsReply,
    BalanceReply,
    BalancesReply,
    CreateAccount,
    CreateKey,
    CredentialReply,
    Credit,
    CreditReply,
    KeyPath,
    KeyReply,
    KeysQuery,
    KeysReply,
    NewKeyReply,
    OpsError,
    SelfTradePreventionReply,
    SetSelfTradePreventionRequest,
    SuspensionReply,
)
from vocabulary import commands as c
from vocabulary import events as e
from vocabulary.instrument import Asset
from vocabulary.types import SelfTradePrevention


class OpsDesk:
    """Accounts, their credits and their keys. Methods raise `OpsError` and `POSTGRES_ERRORS`."""

    def __init__(
        self, store: DeskStore, engine: EngineDesk, listings: Listings, secret_box: SecretBox
    ) -> None:
        self._store = store
        self._engine = engine
        self._listings = listings
        self._secret_box = secret_box

    async def create_account(self, body: CreateAccount) -> AccountReply:
        """Open an account."""
        account = await self._store.create_account(body.name)
        if account is None:
            raise OpsError(409, "account_exists", f"there is an account {body.name!r}", "name")
        return AccountReply(account_id=account.account_id, name=account.name)

    async def list_accounts(self, query: AccountsQuery) -> AccountsReply:
        """List accounts by number, or find one by name."""
        accounts = await self._store.accounts(query.name, query.after, query.limit)
        return AccountsReply(
            accounts=[AccountReply(account_id=number, name=name) for number, name in accounts]
        )

    async def credit_funds(self, path: AccountPath, body: Credit) -> CreditReply:
        """Credit funds that arrived from outside; waits until the engine has them."""
        asset = self._asset(body.asset)
        amount_units = _units(asset, body.amount)
        await self._check_account(path.account_id)
        sequence, (event,) = await self._engine.execute(
            lambda session_id, number: c.CreditFunds(
                session_id, number, path.account_id, asset.asset_id, amount_units
            )
        )
        assert isinstance(event, e.FundsCredited)
        return CreditReply(
            sequence=sequence,
            asset=asset.name,
            amount=asset.text(event.amount_units),
            available=asset.text(event.available_units),
        )

    async def set_self_trade_prevention(
        self, path: AccountPath, body: SetSelfTradePreventionRequest
    ) -> SelfTradePreventionReply:
        """Set what an account's orders do where they would trade with each other."""
        await self._check_account(path.account_id)
        mode = SelfTradePrevention[body.self_trade_prevention.upper()]
        sequence, (event,) = await self._engine.execute(
            lambda session_id, number: c.SetSelfTradePrevention(
                session_id, number, path.account_id, mode
            )
        )
        assert isinstance(event, e.SelfTradePreventionSet)
        return SelfTradePreventionReply(
            sequence=sequence,
            self_trade_prevention=event.self_trade_prevention.name.lower(),
        )

    async def suspend_account(self, path: AccountPath) -> SuspensionReply:
        """Cancel an account's open orders and take no more of it, until it is resumed."""
        await self._check_account(path.account_id)
        sequence, (_, *canceled) = await self._engine.execute(
            lambda session_id, number: c.SuspendAccount(session_id, number, path.account_id)
        )
        return SuspensionReply(sequence=sequence, suspended=True, canceled_orders=len(canceled))

    async def resume_account(self, path: AccountPath) -> SuspensionReply:
        """Let an account trade again."""
        await self._check_account(path.account_id)
        sequence, _ = await self._engine.execute(
            lambda session_id, number: c.ResumeAccount(session_id, number, path.account_id)
        )
        return SuspensionReply(sequence=sequence, suspended=False, canceled_orders=0)

    async def show_balances(self, path: AccountPath) -> BalancesReply:
        """Show an account's balances in the ledger."""
        await self._check_account(path.account_id)
        settled_sequence, balances = await self._store.balances(path.account_id)
        assets = self._listings.catalogue.assets
        return BalancesReply(
            settled_sequence=settled_sequence,
            balances=[
                BalanceReply(asset=assets[asset_id].name, amount=assets[asset_id].text(units))
                for asset_id, units in balances
            ],
        )

    async def create_key(self, body: CreateKey) -> NewKeyReply:
        """Make an API key; only this reply shows its secret."""
        public_key = _public_key(body.public_key) if body.public_key is not None else None
        account_id = await self._account_of(body)
        credential = new_credential(secrets.token_bytes(API_KEY_BYTES + SECRET_BYTES))
        key = Key(
            credential.api_key,
            account_id,
            body.label,
            tuple(sorted(set(body.permissions))),
            tuple(body.sender_comp_ids),
            public_key,
        )
        if public_key is not None:
            await self._store.add_key(key, None)
            return NewKeyReply.model_validate(_fields(key) | {"secret": None})
        sealed = self._secret_box.seal(credential, secrets.token_bytes(NONCE_BYTES))
        await self._store.add_key(key, sealed)
        return NewKeyReply.model_validate(_fields(key) | {"secret": credential.secret})

    async def list_keys(self, query: KeysQuery) -> KeysReply:
        """List an account's keys that are not revoked."""
        await self._check_account(query.account_id, "account_id")
        keys = await self._store.keys(query.account_id)
        return KeysReply(keys=[KeyReply.model_validate(_fields(key)) for key in keys])

    async def revoke_key(self, path: KeyPath) -> None:
        """Revoke an API key for good."""
        if not await self._store.revoke_key(path.api_key):
            raise _unknown_key()

    async def show_credential(self, path: KeyPath) -> CredentialReply:
        """Show a gateway what it needs to authenticate a client."""
        found = await self._store.key_and_sealed_secret(path.api_key)
        if found is None:
            raise _unknown_key()
        key, sealed = found
        return CredentialReply(
            api_key=key.api_key,
            secret=self._secret_box.open(key.api_key, sealed) if sealed is not None else "",
            account_id=key.account_id,
            sender_comp_ids=list(key.sender_comp_ids),
            permissions=list(key.permissions),
            public_key=_base64(key.public_key) if key.public_key is not None else "",
        )

    def _asset(self, name: str) -> Asset:
        asset = self._listings.catalogue.asset_by_name.get(name)
        if asset is None:
            raise OpsError(404, "unknown_asset", f"there is no asset {name!r}", "asset")
        return asset

    async def _check_account(self, account_id: int, field: str | None = None) -> None:
        if not await self._store.account_exists(account_id):
            raise _unknown_account(str(account_id), field)

    async def _account_of(self, body: CreateKey) -> int:
        if body.account_id is not None:
            await self._check_account(body.account_id, "account_id")
            return body.account_id
        found = await self._store.accounts(body.account, after=0, limit=1)
        if not found:
            raise _unknown_account(repr(body.account), "account")
        return found[0].account_id


def _units(asset: Asset, amount: str) -> int:
    try:
        units = asset.units(amount)
    except ValueError as error:
        raise OpsError(422, "invalid_amount", str(error), "amount") from None
    if units == 0:
        raise OpsError(422, "invalid_amount", f"amount {amount!r} is not above zero", "amount")
    return units


def _public_key(text: str) -> bytes:
    try:
        return parse_public_key(text)
    except ValueError as error:
        raise OpsError(422, "invalid_public_key", str(error), "public_key") from None


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _fields(key: Key) -> dict[str, object]:
    return {
        "api_key": key.api_key,
        "account_id": key.account_id,
        "label": key.label,
        "permissions": list(key.permissions),
        "sender_comp_ids": list(key.sender_comp_ids),
        "public_key": _base64(key.public_key) if key.public_key is not None else None,
    }


def _unknown_account(shown: str, field: str | None) -> OpsError:
    return OpsError(404, "unknown_account", f"there is no account {shown}", field)


def _unknown_key() -> OpsError:
    # The same whether there never was one or it is revoked.
    return OpsError(404, "unknown_key", "there is no such API key")

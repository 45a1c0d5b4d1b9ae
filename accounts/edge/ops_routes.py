"""Where HTTP finds each of the desk's operations, and who may ask."""

from __future__ import annotations

from http import HTTPStatus

from accounts import ops_api as api
from accounts.edge.ledger_desk import LedgerDesk
from accounts.edge.listing_desk import ListingDesk
from accounts.edge.listing_routes import listing_routes
from accounts.edge.ops_desk import OpsDesk
from accounts.routes import Access, Route


def routes(desk: OpsDesk, listings: ListingDesk, ledger: LedgerDesk) -> list[Route]:
    return [
        *_account_routes(desk),
        *_key_routes(desk),
        *listing_routes(listings),
        Route(
            "GET", "/trial-balance", Access.OPS, ledger.show_trial_balance, api.TrialBalanceReply
        ),
        Route("GET", "/health", Access.ANYONE, ledger.show_health, api.HealthReply),
    ]


def _account_routes(desk: OpsDesk) -> list[Route]:
    return [
        Route(
            "POST",
            "/accounts",
            Access.OPS,
            desk.create_account,
            api.AccountReply,
            HTTPStatus.CREATED,
            body=api.CreateAccount,
        ),
        Route(
            "GET",
            "/accounts",
            Access.OPS,
            desk.list_accounts,
            api.AccountsReply,
            parameters=api.AccountsQuery,
        ),
        Route(
            "POST",
            "/accounts/{account_id}/credits",
            Access.OPS,
            desk.credit_funds,
            api.CreditReply,
            HTTPStatus.CREATED,
            parameters=api.AccountPath,
            body=api.Credit,
        ),
        Route(
            "GET",
            "/accounts/{account_id}/balances",
            Access.OPS,
            desk.show_balances,
            api.BalancesReply,
            parameters=api.AccountPath,
        ),
    ]


def _key_routes(desk: OpsDesk) -> list[Route]:
    return [
        Route(
            "POST",
            "/keys",
            Access.OPS,
            desk.create_key,
            api.NewKeyReply,
            HTTPStatus.CREATED,
            body=api.CreateKey,
        ),
        Route(
            "GET",
            "/keys",
            Access.OPS,
            desk.list_keys,
            api.KeysReply,
            parameters=api.KeysQuery,
        ),
        Route(
            "DELETE",
            "/keys/{api_key}",
            Access.OPS,
            desk.revoke_key,
            None,
            HTTPStatus.NO_CONTENT,
            parameters=api.KeyPath,
        ),
        Route(
            "GET",
            "/internal/credentials/{api_key}",
            Access.SERVICE,
            desk.show_credential,
            api.CredentialReply,
            parameters=api.KeyPath,
        ),
    ]

"""Where HTTP finds each of the desk's operations, and who may ask."""

from __future__ import annotations

from http import HTTPStatus

from accounts import fee_api, trade_api
from accounts import ops_api as api
from accounts.edge.fee_desk import FeeDesk
from accounts.edge.fix_session_desk import FixSessionDesk
from accounts.edge.fix_session_routes import fix_session_routes
from accounts.edge.ledger_desk import LedgerDesk
from accounts.edge.listing_desk import ListingDesk
from accounts.edge.listing_routes import listing_routes
from accounts.edge.maintenance_desk import MaintenanceDesk
from accounts.edge.ops_desk import OpsDesk
from accounts.edge.trade_desk import TradeDesk
from accounts.routes import Access, Route


def routes(
    desk: OpsDesk,
    listings: ListingDesk,
    fees: FeeDesk,
    trades: TradeDesk,
    ledger: LedgerDesk,
    fix_sessions: FixSessionDesk,
    maintenance: MaintenanceDesk,
) -> list[Route]:
    return [
        *_account_routes(desk),
        *_key_routes(desk),
        *listing_routes(listings),
        *_fee_routes(fees),
        *_trade_routes(trades),
        *fix_session_routes(fix_sessions, maintenance),
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
            "POST",
            "/accounts/{account_id}/self-trade-prevention",
            Access.OPS,
            desk.set_self_trade_prevention,
            api.SelfTradePreventionReply,
            parameters=api.AccountPath,
            body=api.SetSelfTradePreventionRequest,
        ),
        Route(
            "POST",
            "/accounts/{account_id}/suspend",
            Access.OPS,
            desk.suspend_account,
            api.SuspensionReply,
            parameters=api.AccountPath,
        ),
        Route(
            "POST",
            "/accounts/{account_id}/resume",
            Access.OPS,
            desk.resume_account,
            api.SuspensionReply,
            parameters=api.AccountPath,
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


def _trade_routes(desk: TradeDesk) -> list[Route]:
    trade = "/instruments/{symbol}/trades/{trade_id}"
    path, reply = trade_api.TradePath, trade_api.TradeReply
    return [
        Route("GET", trade, Access.OPS, desk.show_trade, reply, parameters=path),
        Route("POST", f"{trade}/bust", Access.OPS, desk.bust_trade, reply, parameters=path),
        Route(
            "POST",
            f"{trade}/correct",
            Access.OPS,
            desk.correct_trade,
            reply,
            parameters=path,
            body=trade_api.CorrectTradeRequest,
        ),
    ]


def _fee_routes(desk: FeeDesk) -> list[Route]:
    tier, reply = "/fee-tiers/{fee_tier}", fee_api.FeeTiersReply
    return [
        Route("GET", "/fee-tiers", Access.OPS, desk.list_fee_tiers, reply),
        Route(
            "POST",
            tier,
            Access.OPS,
            desk.set_tier_fees,
            reply,
            parameters=fee_api.TierPath,
            body=fee_api.SetTierFeesRequest,
        ),
        Route(
            "DELETE",
            tier,
            Access.OPS,
            desk.clear_tier_fees,
            reply,
            parameters=fee_api.TierPathAndSymbol,
        ),
        Route(
            "POST",
            "/accounts/{account_id}/fee-tier",
            Access.OPS,
            desk.assign_fee_tier,
            reply,
            parameters=api.AccountPath,
            body=fee_api.AssignFeeTierRequest,
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

"""The accounts service: settlement and the ops desk, neither of which waits for the other."""

from __future__ import annotations

import asyncio

import structlog

from accounts.edge.desk_store import DeskStore
from accounts.edge.engine_desk import EngineDesk
from accounts.edge.fee_desk import FeeDesk
from accounts.edge.fix_session_desk import FixSessionDesk
from accounts.edge.fix_session_store import FixSessionStore
from accounts.edge.ledger_desk import LedgerDesk
from accounts.edge.ledger_store import POSTGRES_ERRORS
from accounts.edge.listing_desk import ListingDesk
from accounts.edge.maintenance_desk import MaintenanceDesk
from accounts.edge.ops_desk import OpsDesk
from accounts.edge.ops_http import OpsHttp
from accounts.edge.ops_routes import routes
from accounts.edge.schema import migrate
from accounts.edge.settler import Settler
from accounts.edge.trade_desk import TradeDesk
from accounts.keys import SecretBox
from accounts.listings import Listings
from accounts.routes import Access
from vocabulary.tracing import Tracing

API_VERSION = "1"
POSTGRES_PAUSE_S = 0.5

log = structlog.get_logger("accounts")


class AccountsService:
    """Settles the journal into Postgres at `postgres_url`, and serves the ops desk on `ops_port`.

    `ops_token` and `service_token` are what bearers show: the desk's, and the gateways'.
    `master_key` (32 bytes) opens the API keys' secrets. The engine's funds and the ledger are
    compared every `reconcile_interval_s`.
    """

    def __init__(
        self,
        *,
        matching_address: str,
        postgres_url: str,
        host: str,
        ops_port: int,
        ops_token: str,
        service_token: str,
        master_key: bytes,
        reconcile_interval_s: float = 5.0,
        tracing: Tracing | None = None,
    ) -> None:
        self._postgres_url = postgres_url
        self._host = host
        self._ops_port = ops_port
        self._tokens = {Access.OPS: ops_token, Access.SERVICE: service_token}
        self._secret_box = SecretBox(master_key)
        self._listings = Listings()
        self._engine = EngineDesk(matching_address)
        self._settler = Settler(
            matching_address=matching_address,
            postgres_url=postgres_url,
            listings=self._listings,
            reconcile_interval_s=reconcile_interval_s,
            tracing=tracing,
        )
        self._store: DeskStore | None = None
        self._http: OpsHttp | None = None
        self._settling: asyncio.Task[None] | None = None

    @property
    def ops_port(self) -> int:
        return self._http.port if self._http is not None else self._ops_port

    async def start(self) -> None:
        """Return when the desk is open; settlement then follows the journal.

        Waits for Postgres. Raises `SealError` if the master key is not the one that sealed the
        secrets, and what a failed migration raises.
        """
        store = self._store = await self._connect()
        await migrate(self._postgres_url)
        newest = await store.any_sealed_secret()
        if newest is not None:
            self._secret_box.open(*newest)
        position = await store.position()
        for event in position.listings:
            self._listings.apply(position.settled_sequence, event)
        self._engine.start()
        self._settling = asyncio.create_task(self._settler.run())
        self._settling.add_done_callback(_log_failure)
        maintenance = MaintenanceDesk(store.pool)
        self._http = OpsHttp(
            routes(
                OpsDesk(store, self._engine, self._listings, self._secret_box),
                ListingDesk(self._engine, self._listings),
                FeeDesk(self._engine, self._listings),
                TradeDesk(store, self._engine, self._listings),
                LedgerDesk(self._settler, self._listings, self.health),
                FixSessionDesk(store, FixSessionStore(store.pool), maintenance),
                maintenance,
            ),
            host=self._host,
            port=self._ops_port,
            tokens=self._tokens,
            add_audit=store.add_audit,
            version=API_VERSION,
        )
        await self._http.start()
        log.info("ops desk open", host=self._host, port=self.ops_port)

    async def stop(self) -> None:
        """Close the desk; a batch under way is rolled back, and settled after the next start."""
        if self._http is not None:
            await self._http.stop()
        if self._settling is not None:
            self._settling.cancel()
            await asyncio.gather(self._settling, return_exceptions=True)
        await self._engine.stop()
        if self._store is not None:
            self._store.close()
        log.info("ops desk closed", settled_sequence=self._settler.settled_sequence)

    def health(self) -> dict[str, object]:
        """Tell how settlement stands; `lag`, in records, is unknown while it is not running."""
        settler = self._settler
        compared, settling = settler.last_trial_balance, self._settling
        return {
            "ready": settler.is_running and self._engine.connected,
            "failed": settling is not None and settling.done() and not settling.cancelled(),
            "settled_sequence": settler.settled_sequence,
            "head_sequence": settler.head_sequence,
            "lag": settler.head_sequence - settler.settled_sequence if settler.is_running else None,
            "trades_settled": settler.trades_settled,
            "engine_connected": self._engine.connected,
            "error": settler.last_error,
            "reconciled_sequence": compared.sequence if compared is not None else None,
            "agrees": compared.agrees if compared is not None else None,
        }

    async def _connect(self) -> DeskStore:
        while True:
            try:
                return await DeskStore.connect(self._postgres_url)
            except POSTGRES_ERRORS as error:
                log.warning("Postgres not reached", error=f"{type(error).__name__}: {error}")
                await asyncio.sleep(POSTGRES_PAUSE_S)


def _log_failure(settling: asyncio.Task[None]) -> None:
    # It mends itself after all that was foreseen. The rest is unknown: stop, do not guess.
    if not settling.cancelled() and (error := settling.exception()) is not None:
        log.critical("settlement stopped", exc_info=error)

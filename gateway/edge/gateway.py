"""The gateway: the venue's doors, and the one reader of records behind them."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from gateway.edge import metrics
from gateway.edge.background import end_process
from gateway.edge.credentials import CredentialStore
from gateway.edge.desk_link import Desk
from gateway.edge.fix_door import FixDoor
from gateway.edge.fix_post_trade import FixPostTrade
from gateway.edge.json_door import JsonDoor
from gateway.edge.market_feed import MarketFeed
from gateway.edge.order_traces import FeedTraces, OrderTraces
from gateway.edge.tls import TlsFiles
from gateway.order_entry import OrderEntry
from gateway.order_tracker import Orders
from gateway.session_rules import SessionRules
from matching.client import MatchingClient, Refusal
from vocabulary.catalogue import Catalogue
from vocabulary.codec import Record
from vocabulary.events import CommandRejected, Event
from vocabulary.market_data import Message
from vocabulary.tracing import Tracing

FIX_ORDERS_PER_S_MAX = 100_000
"""How many orders a second one FIX session may enter, unless told otherwise."""

NEW_OBJECTS_PER_COLLECTION = 100_000

# What every batch of records tells, under names that compile to C.
_RECORD_AGE_SECONDS, _REPORT_SECONDS = metrics.RECORD_AGE_SECONDS, metrics.REPORT_SECONDS

log = structlog.get_logger("gateway")


class Gateway:
    """One process of doors: FIX, REST and WebSocket, over one link to the matching process.

    It keeps no state of its own but the FIX sessions' numbers and sent messages, in
    `data_directory`: at `start` it reads all records, which gives orders, fills and listings, and
    the reports that FIX sessions have missed. No door opens before that. Trades that it does not
    remember it asks the history for, if there is one.

    One that `shares_ports` is one of several of a machine with the same ports and the same
    directory: a FIX session may log on at any of them. Raises `TlsError`.
    """

    def __init__(
        self,
        *,
        matching_address: str,
        redis_url: str,
        ops_url: str,
        service_token: str,
        comp_id: str,
        host: str,
        fix_port: int,
        rest_port: int,
        websocket_port: int,
        data_directory: Path,
        fix_drop_copy_port: int = 0,
        fix_market_data_port: int = 0,
        fix_tls: TlsFiles | None = None,
        fix_orders_per_s_max: int = FIX_ORDERS_PER_S_MAX,
        fix_rules: SessionRules | None = None,
        tracing: Tracing | None = None,
        trade_history_url: str | None = None,
        shares_ports: bool = False,
        on_failure: Callable[[], object] = end_process,
    ) -> None:
        self.catalogue = Catalogue(self._on_listing)
        self.orders = Orders(self.catalogue)
        self.order_entry = OrderEntry(self.catalogue)
        self.credentials = CredentialStore(ops_url, service_token)
        self._traces = traces = OrderTraces(tracing) if tracing is not None else None
        self.matching = self._link(matching_address)
        self.feed = MarketFeed(redis_url, self._on_market_update)
        self.json = JsonDoor(
            orders=self.orders,
            order_entry=self.order_entry,
            credentials=self.credentials,
            matching=self.matching,
            feed=self.feed,
            host=host,
            rest_port=rest_port,
            websocket_port=websocket_port,
            traces=traces,
            feed_traces=FeedTraces(tracing, "websocket") if tracing is not None else None,
            history_url=trade_history_url,
            shares_ports=shares_ports,
        )
        self.fix = FixDoor(
            data_directory / "fix",
            host=host,
            ports=(fix_port, fix_drop_copy_port, fix_market_data_port),
            comp_id=comp_id,
            tls=fix_tls,
            credentials=self.credentials,
            order_entry=self.order_entry,
            orders=self.orders,
            matching=self.matching,
            orders_per_s_max=fix_orders_per_s_max,
            desk=Desk(ops_url, service_token, _name(fix_port, shares_ports), fix_rules),
            feed=self.feed,
            post_trade=FixPostTrade(self.orders, self.json.balances, self.json.history),
            traces=traces,
            feed_traces=FeedTraces(tracing, "fix") if tracing is not None else None,
            is_shared=shares_ports,
        )
        self._on_failure = on_failure
        self._caught_up = asyncio.Event()
        self._is_caught_up = False
        self._is_ready = False

    async def start(self) -> None:
        """Return when every door is open, which waits for the matching process."""
        self._tell_metrics()
        self.fix.administration.also_tell(self.json.announce)
        await self.fix.open_known()
        await self.credentials.start()
        await self.matching.start()
        await self._caught_up.wait()
        await self.feed.start()
        await self.json.start()
        await self.fix.start()
        # Orders form no cycles, yet the collector would walk through all of them time and again.
        gc.freeze()
        gc.set_threshold(NEW_OBJECTS_PER_COLLECTION)
        self._is_ready = True
        log.info("gateway open", sequence=self.matching.last_sequence)

    async def stop(self) -> None:
        """Close the doors, then what is behind them."""
        self._is_ready = False
        await self.fix.stop()
        await self.json.stop()
        await self.feed.stop()
        await self.matching.stop()
        await self.credentials.stop()
        self.fix.close()

    def health(self) -> dict[str, object]:
        json, feed = self.json.health(), self.feed.health()
        return {
            "ready": bool(self._is_ready and self.matching.connected and json["ready"]),
            "matching_connected": self.matching.connected,
            "last_sequence": self.matching.last_sequence,
            "lag_records": self._lag_records,
            "credentials_available": self.credentials.is_available,
            "open_orders": self.orders.open_order_count,
            **self.fix.health(),
            "json": json,
            "feed": feed,
        }

    def _tell_metrics(self) -> None:
        metrics.LAST_SEQUENCE.set_function(lambda: self.matching.last_sequence)
        metrics.LAG_RECORDS.set_function(lambda: self._lag_records)
        metrics.UNANSWERED.set_function(lambda: self.matching.unanswered)
        metrics.OPEN_ORDERS.set_function(lambda: self.orders.open_order_count)

    @property
    def _lag_records(self) -> int:
        return self.matching.head_sequence - self.matching.last_sequence

    # The matching process

    def _link(self, address: str) -> MatchingClient:
        return MatchingClient(
            address,
            "gateway",
            from_sequence=1,
            on_records=self._on_records,
            on_repeated=self._on_repeated,
            on_refused=self._on_refused,
            on_caught_up=self._on_caught_up,
            on_submitted=self._traces.submitted if self._traces is not None else None,
        )

    def _on_records(self, records: list[Record]) -> None:
        try:
            self._carry_out(records)
        except Exception:  # whatever it was, what half of a record did can't be taken back
            log.critical(
                "records not carried out",
                sequence=records[0].sequence,
                timestamp_ns=records[0].timestamp_ns,
                exc_info=True,
            )
            self._on_failure()

    def _carry_out(self, records: list[Record]) -> None:
        now_ns = time.time_ns()
        is_open = self._is_caught_up  # before that, JSON clients have nobody to be told
        if self._traces is not None:
            self._traces.received(records)
        for record in records:
            reports = self.orders.apply(record)
            self.fix.on_record(record, reports, now_ns)
            if is_open:
                self.json.on_record(record, reports)
                if record.is_rejected:
                    self._count_reject(record)
        self.fix.flush()
        if is_open:
            self.json.flush()
        if self._traces is not None:
            self._traces.reported()
        if is_open:
            age_ns = now_ns - record.timestamp_ns
            _RECORD_AGE_SECONDS.add(max(age_ns, 0) / 1e9)
            _REPORT_SECONDS.add((time.time_ns() - now_ns) / 1e9)

    def _count_reject(self, record: Record) -> None:
        """Count a refusal by the engine, if the command was ours: others' gateways count theirs."""
        session_id, rejected = record.session_id, record.events[0]
        assert isinstance(rejected, CommandRejected)
        if self.json.has_session(session_id) or self.fix.has_session(session_id):
            metrics.REJECTS.labels("engine", rejected.reason.name).inc()

    def _on_repeated(self, records: list[Record]) -> None:
        now_ns = time.time_ns()
        for record in records:
            self.fix.on_repeated(record, now_ns)
        self.fix.flush()
        if self._traces is not None:
            self._traces.repeated(records)

    def _on_refused(self, refusal: Refusal) -> None:
        _, session_id, session_number, text = refusal
        self.fix.on_refused(session_id, session_number, text, time.time_ns())
        self.fix.flush()
        self.json.on_refused(refusal)
        if self._traces is not None:
            self._traces.refused(refusal)

    def _on_caught_up(self) -> None:
        self._is_caught_up = True
        self._caught_up.set()

    def _on_listing(self, event: Event) -> None:
        self.fix.on_listing(event)

    def _on_market_update(self, kind: str, symbol: str, message: Message) -> None:
        self.json.on_market_update(kind, symbol, message)
        self.fix.on_market_update(kind, symbol, message)


def _name(fix_port: int, shares_ports: bool) -> str:
    """Return what the desk calls this gateway."""
    name = f"{socket.gethostname()}:{fix_port}"
    return f"{name}-{os.getpid()}" if shares_ports else name

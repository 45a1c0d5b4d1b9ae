"""Settlement: reads the journal, writes the ledger, and checks that the two agree.

There is one path through it, taken at the start and after any error alike: drop what is in
memory, ask the ledger where it stands, ask matching for the records behind that. So nothing is
lost, and nothing settled twice, however often Postgres or matching come and go; and while
Postgres is down, nothing is read that would have to be kept.
"""

from __future__ import annotations

import asyncio
from time import monotonic, time_ns
from typing import NamedTuple

import structlog
from prometheus_client import Counter, Gauge, Histogram

from accounts.edge.ledger_store import POSTGRES_ERRORS, LedgerStore, PositionMovedError
from accounts.listings import Listings
from accounts.settlement import SETTLED_EVENTS, SequenceGapError, Settlement
from accounts.trial_balance import TrialBalance, trial_balance
from matching.client import FundsReport, RecordStream
from vocabulary.catalogue import Catalogue
from vocabulary.excerpt import Excerpt
from vocabulary.tracing import Passage, Tracing

BATCH_RECORDS_MAX = 5000
WAIT_S_MIN = 0.05  # where a comparison is due, but matching is away
RETRY_PAUSE_S_MIN = 0.1
RETRY_PAUSE_S_MAX = 5.0

log = structlog.get_logger("accounts")

settled_sequence_gauge = Gauge(
    "agio_accounts_settled_sequence", "The journal's last record in the ledger"
)
lag_gauge = Gauge("agio_accounts_settlement_lag_records", "Records in the journal, not yet settled")
trades_counter = Counter("agio_accounts_trades_settled", "Trades written to the ledger")
records_counter = Counter(
    "agio_accounts_records_settled", "Records settled, with or without trades"
)
settlement_histogram = Histogram(
    "agio_accounts_settlement_seconds",
    "Time from a record's making to its settlement, of each batch's last record",
    buckets=[0.001 * 2**power for power in range(16)],
)
waiting_gauge = Gauge("agio_accounts_waiting_records", "Records read, and not yet settled")
retries_counter = Counter("agio_accounts_settlement_retries", "Fresh starts after an error")
batch_histogram = Histogram("agio_accounts_batch_seconds", "Time to settle one batch")
differences_gauge = Gauge(
    "agio_accounts_reconciliation_differences",
    "Accounts' funds and assets' sums that disagreed when engine and ledger were last compared",
)


class Comparison(NamedTuple):
    """A look at the engine's funds that waits for settlement to get there, and who asked for it."""

    report: FundsReport
    asked_by: list[asyncio.Future[TrialBalance]]


class Settler:
    """Runs for ever in `run`. `listings` learns of every listing before it is settled."""

    def __init__(
        self,
        *,
        matching_address: str,
        postgres_url: str,
        listings: Listings,
        reconcile_interval_s: float,
        tracing: Tracing | None = None,
    ) -> None:
        self.settled_sequence = 0
        self.trades_settled = 0
        self.last_trial_balance: TrialBalance | None = None
        self.is_running = False
        self.last_error = ""
        self._matching_address = matching_address
        self._postgres_url = postgres_url
        self._listings = listings
        self._reconcile_interval_s = reconcile_interval_s
        self._reconcile_at = 0.0
        self._pending: Comparison | None = None
        self._asked: list[asyncio.Future[TrialBalance]] = []
        self._stream: RecordStream | None = None
        self._pause_s = RETRY_PAUSE_S_MIN
        self._tracing = tracing

    @property
    def asked(self) -> int:
        """How many callers of `reconcile` wait for the engine's answer."""
        return len(self._asked)

    @property
    def head_sequence(self) -> int:
        head_sequence = self._stream.head_sequence if self._stream is not None else 0
        return max(head_sequence, self.settled_sequence)

    async def run(self) -> None:
        while True:
            try:
                await self._settle_behind_what_is_settled()
            except (*POSTGRES_ERRORS, PositionMovedError, SequenceGapError) as error:
                self.last_error = f"{type(error).__name__}: {error}"
                log.error("settlement starts anew", error=self.last_error, pause_s=self._pause_s)  # noqa: TRY400
            finally:
                self.is_running = False
            retries_counter.inc()
            await asyncio.sleep(self._pause_s)
            self._pause_s = min(2 * self._pause_s, RETRY_PAUSE_S_MAX)

    async def reconcile(self) -> TrialBalance:
        """Compare engine and ledger as of now, and return when settlement has come so far."""
        answer: asyncio.Future[TrialBalance] = asyncio.get_running_loop().create_future()
        self._asked.append(answer)
        self._reconcile_at = 0.0
        if self._stream is not None:
            self._stream.wake()
        try:
            return await answer
        finally:
            if answer in self._asked:  # who asked has given up, perhaps while matching is away
                self._asked.remove(answer)

    async def _settle_behind_what_is_settled(self) -> None:
        store = await LedgerStore.connect(self._postgres_url)
        try:
            position = await store.position()
            catalogue = Catalogue()
            for event in position.listings:
                catalogue.apply(event)
            self.settled_sequence = position.settled_sequence
            # Matching may be away, or refuse: a journal that ends before that is not this ledger's.
            self.last_error = f"no records from matching behind {position.settled_sequence} yet"
            self._stream = RecordStream(
                self._matching_address,
                "settlement",
                from_sequence=position.settled_sequence + 1,
                event_types=SETTLED_EVENTS,
            )
            await self._stream.open()
            if self._pending is not None:  # an error ended it: look again for who asked
                self._asked += self._pending.asked_by
                self._pending, self._reconcile_at = None, 0.0
            settlement = Settlement(position.settled_sequence, catalogue)
            log.info("settlement goes on", settled_sequence=position.settled_sequence)
            while True:
                await self._settle_next(store, self._stream, settlement)
        finally:
            if self._stream is not None:
                await self._stream.close()
            store.close()

    async def _settle_next(
        self, store: LedgerStore, stream: RecordStream, settlement: Settlement
    ) -> None:
        now = monotonic()
        if self._pending is None and now >= self._reconcile_at and stream.connected:
            self._reconcile_at = now + self._reconcile_interval_s
            self._pending = await self._look_at_funds(stream)
        last_sequence = self._pending.report.sequence if self._pending is not None else None
        if self._pending is not None and self._pending.report.sequence <= self.settled_sequence:
            await self._compare(store, self._pending)
            self._pending = None
            self._progressed()  # matching has answered, and holds nothing that is not settled
            return
        records = await stream.take(
            BATCH_RECORDS_MAX,
            max(WAIT_S_MIN, self._reconcile_at - monotonic()),
            last_sequence,
        )
        if records:
            with batch_histogram.time():
                batch = settlement.batch(records)
                for sequence, event in batch.listings:
                    self._listings.apply(sequence, event)
                await store.settle(batch)
            self.settled_sequence = batch.last_sequence
            self.trades_settled += len(batch.trades)
            trades_counter.inc(len(batch.trades))
            records_counter.inc(len(records))
            settlement_histogram.observe(max(time_ns() - records[-1].timestamp_ns, 0) / 1e9)
            if self._tracing is not None:
                self._emit_traced(self._tracing, records, stream.taken_ns)
        self._progressed()

    def _emit_traced(self, tracing: Tracing, records: list[Excerpt], received_ns: int) -> None:
        """Tell of the batch's traced orders that moved money."""
        traced = [
            (record.sequence, record.timestamp_ns)
            for record in records
            if record.events and tracing.samples(record.sequence)
        ]
        if traced:
            size = {"agio.batch_records": len(records)}
            tracing.emit(Passage("accounts.settle", received_ns, time_ns(), traced, size))

    async def _look_at_funds(self, stream: RecordStream) -> Comparison | None:
        # Nothing is settled while we ask, and what is settled was durable before: so the answer
        # is about a sequence that settlement has yet to reach, or has just reached.
        asked_by, self._asked = self._asked, []
        try:
            report = await stream.funds()
        except TimeoutError:
            self._asked += asked_by
            return None
        assert report.sequence >= self.settled_sequence
        return Comparison(report, asked_by)

    async def _compare(self, store: LedgerStore, comparison: Comparison) -> None:
        settled_sequence, balances = await store.balances()
        if settled_sequence != comparison.report.sequence:
            raise PositionMovedError(f"the ledger is at {settled_sequence} already")
        result = trial_balance(settled_sequence, balances, comparison.report.funds)
        self.last_trial_balance = result
        unbalanced = [asset.asset_id for asset in result.assets if asset.sum_units]
        differences_gauge.set(len(result.differences) + len(unbalanced))
        if not result.agrees:
            log.error(
                "engine and ledger disagree",
                sequence=settled_sequence,
                differences=result.differences[:10],
                unbalanced_assets=unbalanced,
            )
        for answer in comparison.asked_by:
            if not answer.done():
                answer.set_result(result)

    def _progressed(self) -> None:
        self.is_running = True
        self.last_error = ""
        self._pause_s = RETRY_PAUSE_S_MIN
        settled_sequence_gauge.set(self.settled_sequence)
        lag_gauge.set(self.head_sequence - self.settled_sequence)
        waiting_gauge.set(self._stream.waiting if self._stream is not None else 0)

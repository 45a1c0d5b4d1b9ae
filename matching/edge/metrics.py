"""What the matching process tells Prometheus. Everything on an order's path is counted by batch."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import Counter, Gauge

from matching.edge.snapshots import snapshot_paths
from matching.pipeline import Batch
from vocabulary.tallies import Counts, Distributions

_STEP_BUCKETS = [0.00005 * 2**power for power in range(14)]

COMMANDS = Counts("agio_matching_commands", "Commands executed").labels()
REFUSALS = Counter("agio_matching_refusals_total", "Commands refused before the engine saw them")
REPEATS = Counter("agio_matching_repeats_total", "Commands that had been executed before")
BATCH_COMMANDS = Distributions(
    "agio_matching_batch_commands",
    "Commands made durable together",
    [4**power for power in range(8)],
).labels()
APPLY_SECONDS = Distributions(
    "agio_matching_apply_seconds", "Time to execute a batch", _STEP_BUCKETS
).labels()
COMMIT_SECONDS = Distributions(
    "agio_matching_commit_seconds", "Time to make a batch durable", _STEP_BUCKETS
).labels()
PUBLISH_SECONDS = Distributions(
    "agio_matching_publish_seconds", "Time to write a batch to its readers", _STEP_BUCKETS
).labels()
SEQUENCE = Gauge("agio_matching_sequence", "Last durable sequence")
CONNECTIONS = Gauge("agio_matching_connections", "Connected clients")
LIVE_READERS = Gauge("agio_matching_live_readers", "Readers that get records as they are made")
WAITING_REQUESTS = Gauge("agio_matching_waiting_requests", "Requests that wait for a batch")
OPEN_ORDERS = Gauge("agio_matching_open_orders", "Open orders")
RECORD_TIMESTAMP = Gauge(
    "agio_matching_last_record_timestamp_seconds", "When the journal's last record was made"
)
SNAPSHOT_SEQUENCE = Gauge("agio_matching_snapshot_sequence", "Last sequence of the newest snapshot")
SNAPSHOT_TIMESTAMP = Gauge(
    "agio_matching_snapshot_timestamp_seconds", "When the newest snapshot was made, 0 for none"
)


def note_newest_snapshot(directory: Path) -> None:
    """Tell of the newest snapshot in the journal's directory."""
    newest = next(iter(snapshot_paths(directory)), None)
    SNAPSHOT_SEQUENCE.set(int(newest.stem) if newest is not None else 0)
    SNAPSHOT_TIMESTAMP.set(newest.stat().st_mtime if newest is not None else 0)


def observe_batch(
    batch: Batch, taken_ns: int, executed_ns: int, committed_ns: int, published_ns: int
) -> None:
    """Count what came of a batch."""
    if batch.refusals:
        REFUSALS.inc(len(batch.refusals))
    if batch.repeats:
        REPEATS.inc(len(batch.repeats))
    count = batch.count
    if not count:
        return
    APPLY_SECONDS.add(max(executed_ns - taken_ns, 0) / 1e9)  # the clock may be set back
    COMMIT_SECONDS.add(max(committed_ns - executed_ns, 0) / 1e9)
    PUBLISH_SECONDS.add(max(published_ns - committed_ns, 0) / 1e9)
    BATCH_COMMANDS.add(count)
    COMMANDS.add(count)

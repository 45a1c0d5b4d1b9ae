"""How much of everything: the parameters of a small and of a large venue."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Nodes:
    """Instances of one type, between two counts."""

    instance_type: str
    least: int
    most: int


@dataclass(frozen=True)
class Size:
    """What a venue is given. docs/deployment.md says what each costs, and by which formula."""

    name: str
    nat_gateways: int
    """One serves all zones and is lost with its own; with one a zone none is."""
    doors: Nodes
    """Where everything runs but matching."""
    matching: Nodes
    """Where matching runs: of two, one waits for the other's end."""
    ledger_instance: str
    ledger_readers: int
    ledger_backup_days: int
    cache_node: str
    cache_shards: int
    cache_replicas: int
    """Of each shard, in other zones."""
    stream_shards: int
    """0: on demand."""
    stream_hours: int
    stream_consumers: tuple[str, ...]
    """Who gets 2 MB/s of each shard for itself (enhanced fan-out)."""
    fix_replicas: int
    log_days: int
    backup_days: int


SMALL = Size(
    name="small",
    nat_gateways=1,
    doors=Nodes("m7i.large", 2, 4),
    matching=Nodes("m7i.large", 1, 1),
    ledger_instance="r8g.large",
    ledger_readers=1,
    ledger_backup_days=7,
    cache_node="cache.t4g.small",
    cache_shards=1,
    cache_replicas=1,
    stream_shards=0,
    stream_hours=24,
    stream_consumers=("marketdata",),
    fix_replicas=1,
    log_days=14,
    backup_days=35,
)
LARGE = Size(
    name="large",
    nat_gateways=3,
    doors=Nodes("m7i.4xlarge", 6, 30),
    matching=Nodes("c7i.4xlarge", 2, 2),
    ledger_instance="r8g.4xlarge",
    ledger_readers=2,
    ledger_backup_days=35,
    cache_node="cache.r7g.2xlarge",
    cache_shards=6,
    cache_replicas=2,
    stream_shards=32,
    stream_hours=168,
    stream_consumers=("marketdata", "archive", "surveillance"),
    fix_replicas=3,
    log_days=90,
    backup_days=400,
)
SIZES = {size.name: size for size in (SMALL, LARGE)}

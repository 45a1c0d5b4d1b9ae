"""The terminal's view of the venue at a glance."""

from datetime import timedelta

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agio.standing import HOPS, ServiceStanding, Standing


def top_view(venue: Standing) -> RenderableType:
    """Return the view: services, where an order's time goes, what waits, and what is refused."""
    return Group(
        _services(venue),
        Columns([_hops(venue), _rates(venue)], padding=(0, 2)),
        Columns([_depths(venue), _journal(venue), _rejects(venue)], padding=(0, 2)),
    )


def _services(venue: Standing) -> Table:
    table = Table(title="Services", title_justify="left")
    table.add_column("")
    for name in ("state", "up for", "cores", "memory", "timers late, p99", "records behind"):
        table.add_column(name, justify="right")
    for name, one in venue.services.items():
        lag = venue.lag_records.get(name)
        table.add_row(
            name,
            _state(one),
            _duration(one.uptime_s),
            f"{one.cpu:.2f}" if one.cpu is not None else "",
            _size(one.memory_bytes),
            _latency(one.loop_lag_s),
            f"{lag:,}" if lag is not None else "",
        )
    return table


def _state(one: ServiceStanding) -> Text:
    if one.ready:
        return Text("ready", "green")
    return Text("not ready", "yellow") if one.up else Text("down", "bold red")


def _hops(venue: Standing) -> Table:
    table = Table(title="Latency", title_justify="left")
    table.add_column("")
    for name in ("p50", "p99", "seen/s"):
        table.add_column(name, justify="right")
    for title, *_ in HOPS:
        hop = venue.hops.get(title.strip())
        if hop is None:
            table.add_row(Text(title, "dim"), "", "", "")
        else:
            table.add_row(title, _latency(hop.p50_s), _latency(hop.p99_s), f"{hop.per_s:,.0f}")
    return table


def _rates(venue: Standing) -> Table:
    table = Table("", title="Rates", title_justify="left")
    table.add_column("a second", justify="right")
    for title, per_s in venue.rates_per_s.items():
        table.add_row(title, f"{per_s:,.0f}")
    return table


def _depths(venue: Standing) -> Table:
    table = Table("", title="Waiting, and connected", title_justify="left")
    table.add_column("", justify="right")
    for title, count in (venue.queues | venue.sessions).items():
        table.add_row(title, f"{count:,}")
    return table


def _journal(venue: Standing) -> Table:
    table = Table("", title="Journal and ledger", title_justify="left")
    table.add_column("", justify="right")
    for title, text in (
        ("sequence", _count(venue.sequence)),
        ("last record", _ago(venue.journal_age_s)),
        ("last snapshot", _ago(venue.snapshot_age_s)),
        ("records since", _count(venue.records_since_snapshot)),
        ("free on its disk", _size(venue.disk_free_bytes)),
        ("open orders", _count(venue.open_orders)),
        ("ledger differences", _count(venue.ledger_differences)),
        ("feed gaps", _count(venue.feed_gaps)),
    ):
        table.add_row(title, text)
    return table


def _rejects(venue: Standing) -> Table:
    table = Table("", title="Refused so far", title_justify="left")
    table.add_column("", justify="right")
    for reason, count in sorted(venue.rejects.items(), key=lambda each: -each[1])[:8]:
        table.add_row(reason.lower().replace("_", " "), f"{count:,}")
    return table


def _count(value: int | None) -> str:
    return f"{value:,}" if value is not None else "?"


def _duration(seconds: float | None) -> str:
    return str(timedelta(seconds=int(seconds))) if seconds is not None else ""


def _ago(seconds: float | None) -> str:
    return f"{_duration(seconds)} ago" if seconds is not None else "none"


def _latency(seconds: float | None) -> str:
    if seconds is None:
        return ""
    milliseconds = seconds * 1000
    return f"{milliseconds:,.2f} ms" if milliseconds < 100 else f"{milliseconds:,.0f} ms"


def _size(size_bytes: int | None) -> str:
    if size_bytes is None:
        return ""
    return (
        f"{size_bytes / 2**30:,.1f} GiB"
        if size_bytes >= 2**30
        else f"{size_bytes / 2**20:,.0f} MiB"
    )

"""From the configuration to each service: what it is given, and when it runs."""

import socket
import sys
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlsplit

import msgspec
import structlog

from agio import configuration as configurations
from agio.configuration import Configuration, ConfigurationError, in_url
from agio.secret_files import Secrets
from vocabulary.redis_cluster import is_cluster
from vocabulary.session_times import RecurringTime
from vocabulary.tracing import Tracing

log = structlog.get_logger("agio")


class Service(Protocol):
    """What every room's edge offers."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def health(self) -> dict[str, object]: ...


def make_matching(configuration: Configuration, secrets: Secrets) -> Service:
    from matching.edge.server import MatchingServer

    if (configuration.data / "restoring").exists():
        raise ConfigurationError(f"data = {str(configuration.data)!r}: its restore has not ended")
    journal = configuration.data / "journal"
    archive_url = configuration.journal_archive_url
    is_encrypted = archive_url is not None and archive_url.startswith("s3://")
    return MatchingServer(
        journal_directory=journal,
        address=configuration.matching_address,
        mode=configuration.journal_mode,
        segment_bytes=configuration.journal_segment_bytes,
        snapshot_command=[sys.executable, "-m", "agio", "snapshot", str(journal)],
        snapshot_records=configuration.snapshot_records,
        snapshot_seconds=configuration.snapshot_seconds,
        archive_url=archive_url,
        archive_key_file=secrets.backup_key_file if is_encrypted else None,
        tracing=tracing(configuration, "matching"),
    )


def make_backup(configuration: Configuration, secrets: Secrets) -> Service:
    from agio import venue
    from agio.backup.service import BackupService, Intervals
    from agio.backup.sessions_service import SessionsBackup
    from objects.encrypted import EncryptedError, read_secret

    url = _needed("backup_url", configuration.backup_url, "backup run")
    intervals = Intervals(
        configuration.backup_seconds,
        configuration.backup_ledger_seconds,
        configuration.backup_keep_days * 86_400,
    )
    try:
        secret = read_secret(secrets.backup_key_file)
    except EncryptedError as error:
        raise ConfigurationError(f"backup_key_file: {error}") from None
    name = configuration.backup_gateway
    if name:
        if (configuration.data / "journal").exists():
            raise ConfigurationError(
                f"backup_gateway = {name!r}: {configuration.data} is the venue's, not a gateway's"
            )
        return SessionsBackup(
            data=configuration.data,
            url=url,
            name=name,
            secret=secret,
            matching_address=configuration.matching_address,
            intervals=intervals,
        )
    running = venue.read(configuration.data)
    postgres_url = configuration.postgres_url or (running.postgres_url if running else None)
    return BackupService(
        data=configuration.data,
        url=url,
        secret=secret,
        postgres_url=_needed("postgres_url", postgres_url, "backup run"),
        intervals=intervals,
        texts={"configuration.toml": configurations.as_toml(configuration)},
    )


def make_accounts(configuration: Configuration, secrets: Secrets) -> Service:
    from accounts.edge.service import AccountsService

    return AccountsService(
        matching_address=configuration.matching_address,
        postgres_url=_needed("postgres_url", configuration.postgres_url, "accounts"),
        host=configuration.host,
        ops_port=configuration.ops_port,
        ops_token=secrets.ops_token,
        service_token=secrets.service_token,
        master_key=secrets.master_key,
        tracing=tracing(configuration, "accounts"),
    )


def make_marketdata(configuration: Configuration, _secrets: Secrets) -> Service:
    from marketdata.edge.publisher import MarketDataPublisher
    from marketdata.edge.record_source import EventStream

    stream_url, event_stream = configuration.event_stream_url, None
    if configuration.marketdata_source == "stream" and stream_url is not None:
        event_stream = EventStream(stream_url, configuration.event_stream_poll_seconds)
    return MarketDataPublisher(
        matching_address=configuration.matching_address,
        redis_url=_needed("redis_url", configuration.redis_url, "marketdata"),
        event_stream=event_stream,
        tracing=tracing(configuration, "marketdata"),
    )


def make_gateway(configuration: Configuration, secrets: Secrets) -> Service:
    from gateway.edge.gateway import Gateway
    from gateway.edge.tls import TlsError, TlsFiles
    from gateway.session_rules import SessionRules

    reset_time = configuration.fix_reset_time
    certificate, key = configuration.fix_tls_certificate, configuration.fix_tls_key
    fix_tls = None
    if certificate is not None and key is not None:
        fix_tls = TlsFiles(certificate, key, configuration.fix_tls_client_authorities)
    try:
        return Gateway(
            matching_address=configuration.matching_address,
            redis_url=_needed("redis_url", _redis_url(configuration), "gateway"),
            ops_url=configuration.ops_url,
            service_token=secrets.service_token,
            comp_id=configuration.comp_id,
            host=configuration.host,
            fix_port=configuration.fix_port,
            fix_drop_copy_port=configuration.fix_drop_copy_port,
            fix_market_data_port=configuration.fix_market_data_port,
            fix_tls=fix_tls,
            fix_rules=SessionRules(
                RecurringTime.parse(reset_time) if reset_time is not None else None,
                must_be_made=configuration.fix_sessions_by_desk,
            ),
            rest_port=configuration.rest_port,
            websocket_port=configuration.websocket_port,
            data_directory=configuration.data / "gateway",
            shares_ports=configuration.gateway_shares_ports,
            tracing=tracing(configuration, "gateway"),
            trade_history_url=configuration.trade_history_url,
        )
    except TlsError as error:
        raise ConfigurationError(str(error)) from None


def make_trade_history(configuration: Configuration, _secrets: Secrets) -> Service:
    from marketdata.edge.trade_history import TradeHistoryService

    history_url = configuration.trade_history_url
    return TradeHistoryService(
        matching_address=configuration.matching_address,
        history_url=_needed("trade_history_url", history_url, "trade-history"),
        ttl_days=configuration.trade_history_days,
    )


def make_archive(configuration: Configuration, _secrets: Secrets) -> Service:
    from marketdata.edge.archive import ArchiveService

    return ArchiveService(
        matching_address=configuration.matching_address,
        store_url=_needed("archive_url", configuration.archive_url, "archive run"),
        flush_seconds=configuration.archive_flush_seconds,
        flush_events=configuration.archive_flush_events,
    )


def make_feed(configuration: Configuration, _secrets: Secrets) -> Service:
    from gateway.edge.feed_service import FeedService

    return FeedService(
        matching_address=configuration.matching_address,
        redis_url=_needed("redis_url", _redis_url(configuration), "feed"),
        host=configuration.host,
        port=configuration.feed_port,
    )


def make_stream(configuration: Configuration, _secrets: Secrets) -> Service:
    from marketdata.edge.stream_service import StreamService

    return StreamService(
        matching_address=configuration.matching_address,
        event_stream_url=_needed("event_stream_url", configuration.event_stream_url, "stream"),
        directory=configuration.data / "stream",
    )


def make_feeds(configuration: Configuration, _secrets: Secrets) -> Service:
    from agio import run_files, venue
    from trading.credentials import Credentials
    from trading.feeds.edge.service import FeedsService

    running = venue.read(configuration.data)
    doors = running.endpoints if running is not None else venue.endpoints(configuration)
    sources = configuration.feeds_sources.split() or [doors["websocket"]]
    rest_port = urlsplit(doors["rest"]).port
    key_file = configuration.feeds_key_file
    credentials = None
    if key_file is not None:
        key = run_files.read_key(key_file)
        credentials = Credentials(key.api_key, key.secret)
    try:
        return FeedsService(
            sources=[_with_rest(source, rest_port) for source in sources],
            symbols=configuration.feeds_symbols.split(),
            queue_url=queue_url(configuration, "feeds"),
            host=configuration.host,
            port=configuration.feeds_port,
            reports_port=configuration.feeds_reports_port,
            data_directory=configuration.data / "feeds",
            record_file=configuration.feeds_record_file,
            credentials=credentials,
            tracing=tracing(configuration, "feeds"),
        )
    except ValueError as error:
        raise ConfigurationError(f"feeds: {error}") from None


def make_history(configuration: Configuration, _secrets: Secrets) -> Service:
    from trading.history.edge.service import HistoryService

    return HistoryService(
        queue_url=queue_url(configuration, "history run"),
        store_url=configuration.history_store_url,
        flush_seconds=configuration.history_flush_seconds,
        flush_events=configuration.history_flush_events,
    )


def make_alpha(configuration: Configuration, _secrets: Secrets) -> Service:
    from agio import run_files
    from objects.store import StoreFailedError, open_store
    from trading.alpha.edge.service import AlphaService
    from trading.history.edge.reader import HistoryReader
    from trading.strategies.registry import StrategyError

    run = run_files.read(configuration.data, configuration.trading_run)
    try:
        return AlphaService(
            run=run,
            redis_url=redis_url(configuration, "alpha"),
            feeds=(configuration.feeds_host, configuration.feeds_port),
            host=configuration.host,
            port=configuration.alpha_port,
            directory=run_files.run_directory(configuration.data, run.name) / "alpha",
            history=HistoryReader(open_store(configuration.history_store_url)),
            tracing=tracing(configuration, "alpha"),
        )
    except (StrategyError, StoreFailedError, ValueError) as error:
        raise ConfigurationError(f"alpha: {error}") from None


def make_execution(configuration: Configuration, _secrets: Secrets) -> Service:
    from agio import run_files, venue
    from objects.store import StoreFailedError, open_store
    from trading.credentials import Credentials
    from trading.execution.edge.service import Choices, ExecutionService, Places
    from trading.execution.trader import Patience
    from trading.history.edge.reader import HistoryReader

    run = run_files.read(configuration.data, configuration.trading_run)
    keys = run_files.read_keys(configuration.data, run.name)
    running = venue.read(configuration.data)
    doors = running.endpoints if running is not None else venue.endpoints(configuration)
    age_ns = int(configuration.execution_decision_age_seconds * 1e9)
    own_name = f"{socket.gethostname()}:{configuration.execution_metrics_port}"
    try:
        return ExecutionService(
            run,
            {
                entry.name: Credentials(*msgspec.structs.astuple(keys[entry.name]))
                for entry in run.strategies
            },
            Places(
                websocket_url=configuration.execution_websocket_url or doors["websocket"],
                fix_address=configuration.execution_fix_address or doors["fix_order_entry"],
                target_comp_id=configuration.comp_id,
                redis_url=redis_url(configuration, "execution"),
                feeds=(
                    configuration.feeds_host,
                    configuration.feeds_port,
                    configuration.feeds_reports_port,
                ),
            ),
            Choices(
                configuration.execution_name or own_name,
                Patience(decision_age_max_ns=age_ns),
                configuration.execution_stop_on_difference,
            ),
            HistoryReader(open_store(configuration.history_store_url)),
            tracing=tracing(configuration, "execution"),
        )
    except KeyError as error:
        raise ConfigurationError(f"run {run.name!r}: no key for strategy {error}") from None
    except (StoreFailedError, ValueError) as error:
        raise ConfigurationError(f"execution: {error}") from None


SERVICES: dict[str, Callable[[Configuration, Secrets], Service]] = {
    "matching": make_matching,
    "accounts": make_accounts,
    "marketdata": make_marketdata,
    "gateway": make_gateway,
}
# Those of the venue that run where this setting of theirs has a value.
OPTIONAL_SERVICES: dict[str, tuple[str, Callable[[Configuration, Secrets], Service]]] = {
    "archive": ("archive_url", make_archive),
    "trade-history": ("trade_history_url", make_trade_history),
    "stream": ("event_stream_url", make_stream),
    "backup": ("backup_url", make_backup),
}
# Any number of each may run beside the venue; `agio up` starts none.
REPLICAS: dict[str, Callable[[Configuration, Secrets], Service]] = {"feed": make_feed}
# The venue's customer: none of these runs under `agio up`.
TRADING_SERVICES: dict[str, Callable[[Configuration, Secrets], Service]] = {
    "feeds": make_feeds,
    "history": make_history,
    "alpha": make_alpha,
    "execution": make_execution,
}


def chosen(configuration: Configuration) -> list[str]:
    """Return the services of the venue that this configuration makes run."""
    wanted = [
        name for name, (setting, _) in OPTIONAL_SERVICES.items() if getattr(configuration, setting)
    ]
    return [*SERVICES, *wanted]


def tracing(configuration: Configuration, service: str) -> Tracing | None:
    """Return what a service tells of traced orders, None where none is traced."""
    if not configuration.trace_sample_rate or configuration.otlp_url is None:
        return None
    from agio.span_outlet import open_outlet

    outlet = open_outlet(service, configuration.otlp_url)
    return Tracing(configuration.trace_sample_rate, outlet.emit)


def makers() -> dict[str, Callable[[Configuration, Secrets], Service]]:
    """Return how each service is made."""
    optional = {name: make for name, (_, make) in OPTIONAL_SERVICES.items()}
    return SERVICES | optional | REPLICAS | TRADING_SERVICES


def metrics_port(configuration: Configuration, name: str) -> int:
    port: int = getattr(configuration, f"{name.replace('-', '_')}_metrics_port")
    return port


def _with_rest(source: str, port: int | None) -> str:
    """Name the REST door of a source that leaves it unsaid: on the same host, at `port`."""
    parts = urlsplit(source)
    if parts.scheme not in {"ws", "wss"} or "rest=" in parts.query:
        return source
    rest_url = f"{parts.scheme.replace('ws', 'http')}://{in_url(parts.hostname or '')}:{port}"
    return f"{source}{'&' if parts.query else '?'}rest={rest_url}"


def redis_url(configuration: Configuration, service: str) -> str:
    """Return the Redis that is configured, or that of the venue on `data`.

    Raises `ConfigurationError`.
    """
    return _needed("redis_url", _redis_url(configuration), service)


def queue_url(configuration: Configuration, service: str) -> str:
    """Return where the feeds handler's events wait for the store. Raises `ConfigurationError`."""
    if configuration.trading_queue_url is not None:
        return configuration.trading_queue_url
    url = redis_url(configuration, service)
    if is_cluster(url):
        raise ConfigurationError(
            f"redis_url: a cluster; `agio {service}` needs trading_queue_url, one Redis or Kafka"
        )
    return url


def _redis_url(configuration: Configuration) -> str | None:
    from agio import venue

    running = venue.read(configuration.data)
    return configuration.redis_url or (running.redis_url if running is not None else None)


def _needed(name: str, value: str | None, service: str) -> str:
    if value is None:
        raise ConfigurationError(f"{name}: `agio {service}` needs it; `agio up` starts its own")
    return value

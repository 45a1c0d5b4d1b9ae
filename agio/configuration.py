"""Every setting of the venue, in one model: file, then AGIO_* variables, then flags.

A later source wins. A value that will not do is refused before anything starts, with the setting's
name and the value. The file is TOML: `agio.toml` in the current folder, or what AGIO_CONFIG or
`--config` names.
"""

import ipaddress
import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from vocabulary.session_times import RecurringTime

# `port_base` moves every port: the service at offset n listens on port_base + n.
PORT_OFFSETS = {
    "fix_port": 0,
    "rest_port": 1,
    "websocket_port": 2,
    "ops_port": 3,
    "fix_drop_copy_port": 4,
    "fix_market_data_port": 5,
    "matching_metrics_port": 10,
    "gateway_metrics_port": 11,
    "marketdata_metrics_port": 12,
    "accounts_metrics_port": 13,
}
TRADING_PORT_OFFSETS = {
    "feeds_port": 9,
    "feeds_metrics_port": 14,
    "history_metrics_port": 15,
    "feeds_reports_port": 16,
    "alpha_metrics_port": 17,
    "execution_metrics_port": 18,
}
# What another machine has of its own.
MACHINE_SETTINGS = {
    "matching_address",
    "postgres_url",
    "redis_url",
    "trading_queue_url",
    "history_store_url",
    "ops_url",
    "feeds_host",
    "backup_gateway",
}
# Of services that run where their own setting says so.
OPTIONAL_PORT_OFFSETS = {
    "archive_metrics_port": 19,
    "trade_history_metrics_port": 20,
    "stream_metrics_port": 21,
    "backup_metrics_port": 22,
}
# Of processes of which any number may run.
FEED_PORT_OFFSETS = {
    "feed_port": 6,
    "feed_metrics_port": 23,
}
PORT_BASE_MAX = 65535 - 23
UNIX_PATH_BYTES_MAX = 100  # sun_path has 108 bytes on Linux, 104 on macOS


class ConfigurationError(Exception):
    """A setting has a value that will not do; the message names both."""


def _matches(pattern: str, wanted: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"must be {wanted}")
        return value

    return AfterValidator(check)


def _is_reset_time(value: str) -> str:
    RecurringTime.parse(value)
    return value


Port = Annotated[int, Field(ge=1, le=65535)]
PostgresUrl = Annotated[
    str, _matches(r"postgres(ql)?://.+", "postgresql://USER:PASSWORD@HOST/NAME")
]
RedisUrl = Annotated[
    str,
    _matches(
        r"rediss?(\+cluster)?://.+",
        "redis://[USER:PASSWORD@]HOST:PORT/NUMBER or redis+cluster://HOST:PORT[,HOST:PORT]",
    ),
]
QueueUrl = Annotated[
    str,
    _matches(
        r"rediss?://.+|kafka://[^/]+/[^/]+",
        "redis://[:PASSWORD@]HOST:PORT/NUMBER or kafka://HOST:PORT/TOPIC",
    ),
]
StoreUrl = Annotated[
    str, _matches(r"file:///.+|s3://[^/]+.*", "file:///DIRECTORY or s3://BUCKET[/PREFIX]")
]
GatewayName = Annotated[str, _matches(r"[\w.-]{0,64}", "letters, digits, '.', '_' and '-'")]
EventStreamUrl = Annotated[
    str,
    _matches(
        r"kinesis://[^/]+/[\w.-]{1,128}(\?endpoint=https?://.+)?|kafka://[^/]+/[^/]+",
        "kinesis://REGION/STREAM[?endpoint=URL] or kafka://HOST:PORT/TOPIC",
    ),
]
DynamoUrl = Annotated[
    str,
    _matches(
        r"dynamodb://[^/]+/[\w.-]{1,200}(\?endpoint=https?://.+)?",
        "dynamodb://REGION/TABLE_PREFIX[?endpoint=URL]",
    ),
]
ResetTimeText = Annotated[str, AfterValidator(_is_reset_time)]
HttpUrl = Annotated[str, _matches(r"https?://.+[^/]", "http://HOST:PORT")]
Address = Annotated[str, _matches(r"unix:///.+|tcp://.+:\d+", "unix:///PATH or tcp://HOST:PORT")]
# FIX 4.4 vol. 1: a String field holds no delimiter; a blank would be read as part of the name.
CompId = Annotated[str, _matches(r"[!-<>-~]{1,32}", "1 to 32 visible characters without '='")]


class Configuration(BaseSettings):
    """The settings; AGIO_ and the name in capitals is each one's environment variable."""

    model_config = SettingsConfigDict(env_prefix="AGIO_", extra="forbid", frozen=True)

    data: Path = Path("agio-data")
    """Where journal, sessions, ledger, logs and secrets are kept."""
    host: str = "127.0.0.1"
    """The interface that the doors listen on."""
    comp_id: CompId = "AGIO"
    """Our CompID: TargetCompID(56) of what FIX clients send."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_directory: Path | None = None
    """Where a service writes its log; without it, to standard error."""

    port_base: Annotated[int, Field(ge=1, le=PORT_BASE_MAX)] | None = None
    fix_port: Port = 9880
    fix_drop_copy_port: Port = 9881
    fix_market_data_port: Port = 9882
    rest_port: Port = 8080
    websocket_port: Port = 8090
    ops_port: Port = 8081
    fix_tls_certificate: Path | None = None
    """The FIX door's certificate and those that lead to its authority, PEM: FIX then needs TLS."""
    fix_tls_key: Path | None = None
    """The certificate's private key, PEM, without a password."""
    fix_tls_client_authorities: Path | None = None
    """Who signs clients' certificates, PEM: each client then needs one made out to its CompID."""
    fix_reset_time: ResetTimeText | None = None
    """When all FIX sessions' numbers begin at 1 anew, in UTC: `[WEEKDAY ]HH:MM[:SS]`."""
    fix_sessions_by_desk: bool = False
    """Whether only FIX sessions that the desk has made may log on."""
    fix_plain_text: bool = False
    """Whether FIX may leave the machine without TLS, behind something that adds it."""
    gateway_shares_ports: bool = False
    """Whether other gateways of this machine listen on the same ports, for the same sessions."""
    matching_metrics_port: Port = 9100
    gateway_metrics_port: Port = 9101
    marketdata_metrics_port: Port = 9102
    accounts_metrics_port: Port = 9103
    archive_metrics_port: Port = 9109
    trade_history_metrics_port: Port = 9110
    stream_metrics_port: Port = 9111
    backup_metrics_port: Port = 9112
    feed_port: Port = 8091
    """Where feed processes listen; those of one machine share it."""
    feed_metrics_port: Port = 9113
    feeds_port: Port = 9889
    """Where strategies get the feeds handler's events."""
    feeds_reports_port: Port = 9890
    """Where execution engines hand the feeds handler the firm's own events."""
    alpha_port: Annotated[int, Field(ge=0, le=65535)] = 0
    """Where execution engines get decisions; 0 takes a free one: they find it by the leases."""
    alpha_metrics_port: Port = 9107
    feeds_metrics_port: Port = 9104
    history_metrics_port: Port = 9105
    execution_metrics_port: Port = 9108

    journal_mode: Literal["fsync", "os"] = "fsync"
    """What an acknowledgement promises: on disk, or with the operating system."""
    journal_segment_bytes: Annotated[int, Field(ge=2**20, le=2**32)] = 64 * 2**20
    journal_archive_url: StoreUrl | None = None
    """Where segments go that no restart needs any more; a file:///DIRECTORY exists already."""
    snapshot_records: Annotated[int, Field(ge=1)] = 2_000_000
    """After how many records the engine's state is saved, so that a restart replays no more."""
    snapshot_seconds: Annotated[float, Field(gt=0)] = 3_600
    """After how long it is saved if anything has happened at all."""

    archive_url: StoreUrl | None = None
    """Where trades, events and candles are archived as Parquet; without it they are not."""
    archive_flush_seconds: Annotated[float, Field(gt=0)] = 60.0
    """How long a record may wait before it is in the archive."""
    archive_flush_events: Annotated[int, Field(ge=1, le=10_000_000)] = 200_000
    """How many events are archived at once, at least, where they come sooner than that."""
    backup_url: StoreUrl | None = None
    """Where `agio backup run` keeps all that a new machine needs but the secrets, encrypted."""
    backup_gateway: GatewayName = ""
    """Of a gateway with a machine of its own: the name under which its FIX sessions are kept."""
    backup_key_file: Path | None = None
    """What encrypts backup and archive, 32 bytes in base64; by default DATA/secrets/backup_key."""
    backup_seconds: Annotated[float, Field(gt=0)] = 1.0
    """How long a record may be in the journal before it is in the backup."""
    backup_ledger_seconds: Annotated[float, Field(gt=0)] = 3_600
    """After how long the ledger is backed up again; what is missing comes from the journal."""
    backup_keep_days: Annotated[float, Field(gt=0)] = 30
    """How long what newer backups have replaced is kept."""

    standard_listings: bool = True
    """Whether `agio up` lists BTCUSDT, ETHUSDT and ETHBTC where nothing is listed."""

    matching_address: Address = ""
    """Where the matching process listens; by default a Unix socket under `data`."""
    postgres_url: PostgresUrl | None = None
    """The ledger's database; without it `agio up` starts its own Postgres."""
    redis_url: RedisUrl | None = None
    """The market data's Redis or Valkey; without it `agio up` starts its own Valkey."""
    event_stream_url: EventStreamUrl | None = None
    """Where every event goes, by symbol; without it there is no event stream."""
    event_stream_poll_seconds: Annotated[float, Field(ge=0.005, le=60)] = 0.2
    """Between two looks at a Kinesis shard, of which AWS allows five a second to all together."""
    marketdata_source: Literal["engine", "stream"] = "engine"
    """Where market data comes from: the matching process, or the event stream."""
    trade_history_url: DynamoUrl | None = None
    """Where every trade is kept for as long as wanted; without it the newest are all there are."""
    trade_history_days: Annotated[int, Field(ge=0)] = 0
    """After how many days DynamoDB may delete a trade; 0: never."""
    feeds_sources: str = ""
    """The feeds handler's redundant sources, URLs with blanks between; by default our own doors."""
    feeds_key_file: Path | None = None
    """The API key of `fix://` sources, {"api_key": …, "secret": …} in a file for one user alone."""
    feeds_host: str = ""
    """Where the feeds handler is found by those who follow its stream; by default on `host`."""
    feeds_symbols: str = "BTCUSDT ETHUSDT ETHBTC"
    """What the feeds handler follows, with blanks between."""
    feeds_record_file: Path | None = None
    """A new file that gets all that the sources send."""
    trading_queue_url: QueueUrl | None = None
    """The queue from the feeds handler to the historical store; by default on `redis_url`."""
    trading_run: str = ""
    """The run that an alpha generator or an execution engine takes part in."""
    execution_name: str = ""
    """An execution instance's own name; by default its machine's, and its metrics port."""
    execution_websocket_url: str = ""
    """The venue's WebSocket, ws://HOST:PORT; by default our own door."""
    execution_fix_address: str = ""
    """The venue's FIX order entry, HOST:PORT; by default our own door."""
    execution_decision_age_seconds: Annotated[float, Field(gt=0)] = 2.0
    """An order is refused when the event that made it is older."""
    execution_stop_on_difference: bool = False
    """Whether a difference to the venue's own fills or balances pulls the strategy's switch."""
    history_store_url: StoreUrl = ""
    """Where the historical store lies; by default DATA/history."""
    history_flush_seconds: Annotated[float, Field(gt=0)] = 30.0
    """How long an event may wait in the queue before it is in the store."""
    history_flush_events: Annotated[int, Field(ge=1, le=10_000_000)] = 100_000
    """How many events are written to the store at once, at least."""
    ops_url: HttpUrl = ""
    """Where the ops HTTP is found; by default on `host` and `ops_port`."""

    trace_sample_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Which share of the orders is traced, from 0 to 1."""
    emf_seconds: Annotated[float, Field(ge=0)] = 0.0
    """How often a service writes its metrics for CloudWatch, in EMF; 0: never."""
    otlp_url: HttpUrl | None = None
    """The OpenTelemetry collector that gets the traces, OTLP over HTTP: http://HOST:4318."""

    ops_token: SecretStr | None = None
    """The ops desk's bearer token. This and the next are made at first start where not given."""
    service_token: SecretStr | None = None
    """The token by which our own services know each other."""
    master_key: SecretStr | None = None
    """The key that encrypts clients' secrets at rest: 32 bytes in base64."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (the framework's signature)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Name the sources, the strongest first."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @model_validator(mode="before")
    @classmethod
    def derive(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Fill in what follows from other settings and is not set itself."""
        values = {
            name: value for name, value in values.items() if value is not None and value != ""
        }
        values["data"] = data = Path(values.get("data", "agio-data")).absolute()
        values.setdefault("matching_address", f"unix://{data}/matching.sock")
        values.setdefault("history_store_url", f"{data.as_uri()}/history")
        base = values.get("port_base")
        if base is not None and str(base).isdecimal() and int(base) <= PORT_BASE_MAX:
            for name, offset in (
                PORT_OFFSETS | TRADING_PORT_OFFSETS | OPTIONAL_PORT_OFFSETS | FEED_PORT_OFFSETS
            ).items():
                values.setdefault(name, int(base) + offset)
        reached = reachable_host(str(values.get("host", "127.0.0.1")))
        values.setdefault("feeds_host", reached)
        values.setdefault("ops_url", f"http://{in_url(reached)}:{values.get('ops_port', 8081)}")
        return values

    @model_validator(mode="after")
    def check_fix_tls(self) -> "Configuration":
        if (self.fix_tls_certificate is None) != (self.fix_tls_key is None):
            raise ValueError(
                f"fix_tls_certificate = {_named(self.fix_tls_certificate)} and fix_tls_key = "
                f"{_named(self.fix_tls_key)}: give both, or neither"
            )
        if self.fix_tls_client_authorities is not None and self.fix_tls_certificate is None:
            raise ValueError(
                f"fix_tls_client_authorities = {_named(self.fix_tls_client_authorities)}: needs "
                "fix_tls_certificate"
            )
        may_be_plain = self.fix_plain_text or _is_loopback(self.host)
        if self.fix_tls_certificate is None and not may_be_plain:
            raise ValueError(
                f"host = {self.host!r}: FIX would leave the machine in plain text; give "
                "fix_tls_certificate and fix_tls_key, or set fix_plain_text where TLS is added "
                "on the way"
            )
        return self

    @model_validator(mode="after")
    def check_traces_have_a_collector(self) -> "Configuration":
        if self.trace_sample_rate and not self.otlp_url:
            raise ValueError(
                f"trace_sample_rate = {self.trace_sample_rate}: needs otlp_url, the collector"
            )
        return self

    @model_validator(mode="after")
    def check_marketdata_source(self) -> "Configuration":
        if self.marketdata_source == "stream" and self.event_stream_url is None:
            raise ValueError("marketdata_source = 'stream': needs event_stream_url")
        return self

    @model_validator(mode="after")
    def check_socket_path(self) -> "Configuration":
        path = self.matching_address.removeprefix("unix://")
        if path != self.matching_address and len(os.fsencode(path)) > UNIX_PATH_BYTES_MAX:
            raise ValueError(
                f"matching_address = {self.matching_address!r}: longer than a Unix socket's path "
                "may be; choose a shorter data directory, or tcp://127.0.0.1:PORT"
            )
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _named(path: Path | None) -> str:
    return repr(str(path)) if path is not None else "none"


def reachable_host(host: str) -> str:
    """Return where on this machine to find what listens on an interface, or on all."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (to recognise it)


def in_url(host: str) -> str:
    """Return a host as URLs have it. RFC 3986, 3.2.2: an IPv6 address is in square brackets."""
    return f"[{host}]" if ":" in host else host


def environment(configuration: Configuration) -> dict[str, str]:
    """Return the AGIO_* variables that give another process this configuration."""
    variables = {}
    for name, value in configuration:
        if value is not None:
            text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            variables[f"AGIO_{name.upper()}"] = text
    return variables


def as_toml(configuration: Configuration) -> str:
    """Return what is not as by default, as a file of settings, without secrets and machines' own.

    A machine's own are its paths and its servers.
    """
    lines = []
    for name, value in configuration:
        field = Configuration.model_fields[name]
        is_own = name in MACHINE_SETTINGS or isinstance(value, SecretStr | Path)
        has_password = re.search("://[^/?#]*@", str(value)) is not None
        if value not in {None, "", field.default} and not is_own and not has_password:
            plain = isinstance(value, bool | int | float)
            lines.append(f"{name} = {json.dumps(value if plain else str(value))}\n")
    return "".join(lines)


def load(flags: Mapping[str, object] | None = None, file: Path | None = None) -> Configuration:
    """Return the configuration. Flags that are None were not given. Raises `ConfigurationError`."""
    named = file or (Path(os.environ["AGIO_CONFIG"]) if os.environ.get("AGIO_CONFIG") else None)
    if named is not None and not named.is_file():
        raise ConfigurationError(f"config = {str(named)!r}: there is no such file")

    class ConfigurationFromFile(Configuration):
        """The model, with the file of this call as its weakest source."""

        model_config = SettingsConfigDict(toml_file=named or Path("agio.toml"))

    given: dict[str, Any] = {
        name: value for name, value in (flags or {}).items() if value is not None
    }
    try:
        return ConfigurationFromFile(**given)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"config = {str(named or 'agio.toml')!r}: {error}") from error
    except ValidationError as error:
        raise ConfigurationError("; ".join(_explain(error))) from None


def _explain(error: ValidationError) -> list[str]:
    """Return one line for each wrong setting: its name, the value and what is wrong with it."""
    lines = []
    for problem in error.errors(include_url=False):
        name = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        secret = Configuration.model_fields.get(name)
        if not name:
            lines.append(message)
        elif secret is not None and secret.annotation == SecretStr | None:
            lines.append(f"{name}: {message}")
        else:
            lines.append(f"{name} = {problem['input']!r}: {message}")
    return lines

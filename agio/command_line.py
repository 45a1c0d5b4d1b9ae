"""The `agio` command."""

import asyncio
import functools
import gc
import os
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO, TypeVar

import click
import msgspec
from rich.console import Console

from agio import (
    __version__,
    configuration,
    hot_paths,
    service_process,
    supervisor,
    telemetry,
    venue,
)
from agio.child_process import ServerFailedError
from agio.configuration import Configuration, ConfigurationError
from agio.help_page import HelpPage
from agio.ops_client import OpsClient, OpsError
from agio.replay_progress import ReplayProgress
from agio.supervisor import VenueRunsError

Result = TypeVar("Result")
Command = Callable[..., None]

SNAPSHOT_NICENESS = 10

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def emit(result: object, text: str, *, as_json: bool) -> None:
    click.echo(msgspec.json.encode(result).decode() if as_json else text)


def version_report() -> str:
    """Return the version, and for each hot path whether it runs compiled here."""
    lines = [f"agio {__version__}"]
    lines += [
        f"  {module} {'compiled' if hot_paths.is_compiled(module) else 'uncompiled'}"
        for module in hot_paths.present_modules()
    ]
    return "\n".join(lines)


def print_version(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        click.echo(version_report())
        context.exit()


# The settings that a command line is likely to name; the others are set by file or variable.
FLAGS = {
    "config": click.option("--config", type=click.Path(path_type=Path), help="Settings in TOML."),
    "data": click.option("--data", type=click.Path(path_type=Path), help="Default: agio-data."),
    "host": click.option("--host", help="Interface to listen on. Default: 127.0.0.1."),
    "port_base": click.option("--port-base", help="FIX here, REST +1, WebSocket +2, ops +3, …"),
    "journal_mode": click.option("--journal-mode", help="fsync (default) or os."),
    "comp_id": click.option("--comp-id", help="Our CompID. Default: AGIO."),
}


def configured(*flags: str) -> Callable[[Command], Command]:
    """Give a command the configuration, from the file, the variables and the named flags."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def with_configuration(*, config: Path | None, **given: Any) -> None:
            chosen = {name: given.pop(name) for name in flags}
            try:
                command(configuration.load(chosen, config), **given)
            except ConfigurationError as error:
                raise click.UsageError(str(error)) from None
            except (OpsError, ServerFailedError, VenueRunsError) as error:
                raise click.ClickException(str(error)) from None

        for name in ("config", *flags)[::-1]:
            with_configuration = FLAGS[name](with_configuration)
        return with_configuration

    return decorate


runs = configured("data", "host", "port_base", "journal_mode", "comp_id")
asks = configured("data")


@click.group(cls=HelpPage, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_version,
    help="Print the version and which hot paths are compiled.",
)
def main() -> None:
    """Run and operate the agio trading venue.

    `agio COMMAND --help` has each command's options. Every setting is a variable too, AGIO_ and
    its name in capitals. See docs/configuration.md.
    """


@main.command()
@click.option(
    "--aws-local", is_flag=True, help="Simulate AWS with moto's server, and use all of it."
)
@as_json
@runs
def up(settings: Configuration, *, aws_local: bool, as_json: bool) -> None:
    """Run the whole venue on this machine; Ctrl-C stops it.

    Postgres and Valkey are started too, unless AGIO_POSTGRES_URL and AGIO_REDIS_URL name some.
    With --aws-local every store on AWS that no setting names is there, in memory: event stream,
    trade history, archive and backup; and market data goes through the event stream.
    With --json it prints one line, the endpoints by name, when it is ready.
    """
    telemetry.configure_logging(settings.log_level, settings.data / "logs" / "venue.log")
    supervisor.run(
        settings,
        tell=lambda text: None if as_json else click.echo(text, err=True),
        when_ready=lambda endpoints: emit(
            {"endpoints": endpoints}, _endpoint_lines(endpoints), as_json=as_json
        ),
        aws_local=aws_local,
    )


@main.command()
@click.option("--seconds", type=float, help="End after so long. Default: at Ctrl-C.")
@as_json
@runs
def demo(settings: Configuration, *, seconds: float | None, as_json: bool) -> None:
    """Run the venue with strategies trading on it, and show what happens.

    Ends with a summary; exits 1 if anything was off. With --json the summary is JSON.
    """
    from agio.demo import show, summary

    telemetry.configure_logging(settings.log_level, settings.data / "logs" / "venue.log")
    told = show.run(settings, seconds, Console(stderr=as_json))
    emit(told, summary.summary_text(told), as_json=as_json)
    if told.problems:
        raise SystemExit(1)


def add_service(name: str, summary: str) -> None:
    @main.command(name, help=summary)
    @runs
    def run_service(settings: Configuration) -> None:
        service_process.run(name, settings)


add_service("matching", "Run the matching process: orders every command, journals it, matches it.")
add_service("accounts", "Run settlement into Postgres and the ops HTTP.")
add_service("marketdata", "Run the publisher of depth, trades, candles and tickers on Redis.")
add_service("trade-history", "Run the keeper of every trade on DynamoDB (AGIO_TRADE_HISTORY_URL).")
add_service("stream", "Run the writer of every event to Kinesis or Kafka (AGIO_EVENT_STREAM_URL).")
add_service("feed", "Run a door to market data streams alone; any number of them may run.")
add_service("gateway", "Run the doors: FIX 4.4, REST and WebSocket.")


@main.command()
@as_json
@configured("data", "host", "port_base")
def status(settings: Configuration, *, as_json: bool) -> None:
    """Show the endpoints, and what each service says of its health; exit 1 unless all are ready."""
    running = venue.read(settings.data)
    endpoints = running.endpoints if running else venue.endpoints(settings)
    urls = running.health if running else venue.health_urls(settings)
    states = {name: venue.health(url) for name, url in urls.items()}
    ready = all(state["ready"] for state in states.values())
    lines = [_endpoint_lines(endpoints)]
    for name, state in states.items():
        facts = " ".join(f"{key}={value}" for key, value in state.items() if key != "ready")
        lines.append(f"{name:16} {'ready' if state['ready'] else 'NOT READY'} {facts}")
    result = {"ready": ready, "endpoints": endpoints, "services": states}
    emit(result, "\n".join(lines), as_json=as_json)
    if running is None and not ready:
        click.echo(f"no venue runs on {settings.data}: `agio up` starts one", err=True)
    if not ready:
        raise SystemExit(1)


@main.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@as_json
def replay(*, directory: Path, as_json: bool) -> None:
    """Verify the journal in DIRECTORY, or of the data there: every byte, every event again.

    Each snapshot, with the records behind it, must lead to the same state; one that does not is
    named. Exits 1 if the journal is damaged, or the engine does not make the same events again.
    """
    from matching.edge.journal_replay import verify_journal
    from matching.journal_format import JournalDamagedError
    from matching.replay import ReplayError

    journal = directory / "journal" if (directory / "journal").is_dir() else directory
    gc.disable()  # it would visit every order again and again, and there are no cycles to find
    try:
        with ReplayProgress() as progress:
            verified = verify_journal(journal, progress.show)
    except (JournalDamagedError, ReplayError, OSError) as error:
        raise click.ClickException(str(error)) from None
    result, torn_tail = verified.result, verified.torn_tail
    lines = [f"last sequence {result.last_sequence}", f"state hash    {result.state_hash}"]
    lines += [f"{number:>12} {name}" for name, number in (result.commands | result.events).items()]
    if torn_tail is not None:
        lines.append(f"unfinished write in {torn_tail.file} at {torn_tail.offset}: not replayed")
    lines += [f"snapshot {sequence}: the same state" for sequence in verified.snapshots]
    lines += [f"{name} can't be used: {why}" for name, why in verified.unusable.items()]
    told = asdict(result) | {
        "torn_tail": torn_tail._asdict() if torn_tail else None,
        "snapshots": verified.snapshots,
        "unusable_snapshots": verified.unusable,
    }
    emit(told, "\n".join(lines), as_json=as_json)


@main.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@as_json
def snapshot(*, directory: Path, as_json: bool) -> None:
    """Save the state that the journal in DIRECTORY, or of the data there, leads to by now.

    Segments that no restart needs any more are moved to the journal's archive, if it has one.
    `agio matching` runs this by itself. It may run beside it, at low priority.
    """
    from matching.edge.snapshot_maker import make_snapshot
    from matching.journal_format import JournalDamagedError
    from matching.replay import ReplayError

    os.nice(SNAPSHOT_NICENESS)
    gc.disable()
    journal = directory / "journal" if (directory / "journal").is_dir() else directory
    try:
        made = make_snapshot(journal)
    except (JournalDamagedError, ReplayError, OSError) as error:
        raise click.ClickException(str(error)) from None
    name = made.name if made else None
    emit({"snapshot": name}, name or "nothing has happened since the last one", as_json=as_json)


@main.group()
def account() -> None:
    """Create, credit, suspend accounts, by the ops HTTP of the venue on --data or AGIO_OPS_URL."""


@account.command("create")
@click.argument("name")
@as_json
@asks
def create_account(settings: Configuration, *, name: str, as_json: bool) -> None:
    """Create an account."""
    made = with_ops(settings, lambda ops: ops.create_account(name))
    emit(made, f"account {made['account_id']} {made['name']}", as_json=as_json)


@account.command("list")
@as_json
@asks
def list_accounts(settings: Configuration, *, as_json: bool) -> None:
    """List the accounts."""
    accounts = with_ops(settings, lambda ops: ops.accounts())
    lines = [f"{entry['account_id']:>8} {entry['name']}" for entry in accounts]
    emit({"accounts": accounts}, "\n".join(lines), as_json=as_json)


@account.command("credit")
@click.argument("name")
@click.argument("asset")
@click.argument("amount")
@as_json
@asks
def credit_account(
    settings: Configuration, *, name: str, asset: str, amount: str, as_json: bool
) -> None:
    """Credit AMOUNT, a decimal number, of ASSET to the account called NAME."""
    credited = with_ops(settings, lambda ops: ops.credit(name, asset, amount))
    text = f"{name} has {credited['available']} {asset} available"
    emit(credited, text, as_json=as_json)


@account.command("suspend")
@click.argument("name")
@as_json
@asks
def suspend_account(settings: Configuration, *, name: str, as_json: bool) -> None:
    """Cancel all orders of the account called NAME, and take no more of it: the kill switch."""
    done = with_ops(settings, lambda ops: ops.suspend(name))
    emit(done, f"{name} is suspended, {done['canceled_orders']} orders canceled", as_json=as_json)


@account.command("resume")
@click.argument("name")
@as_json
@asks
def resume_account(settings: Configuration, *, name: str, as_json: bool) -> None:
    """Let the account called NAME trade again."""
    done = with_ops(settings, lambda ops: ops.resume(name))
    emit(done, f"{name} may trade", as_json=as_json)


@main.group()
def key() -> None:
    """Create and revoke API keys, by the ops HTTP of the venue on --data or AGIO_OPS_URL."""


@key.command("create")
@click.option("--account", "account_name", required=True, help="The account's name.")
@click.option("--sender-comp-id", "comp_ids", multiple=True, help="Bind it to a SenderCompID.")
@click.option("--permission", "permissions", multiple=True, help="read, trade. Default: both.")
@click.option("--label", default="", help="A note for the desk.")
@click.option(
    "--public-key",
    type=click.File(),
    help="An Ed25519 public key in PEM: its owner signs, and there is no secret.",
)
@as_json
@asks
def create_key(
    settings: Configuration,
    *,
    account_name: str,
    comp_ids: tuple[str, ...],
    permissions: tuple[str, ...],
    label: str,
    public_key: TextIO | None,
    as_json: bool,
) -> None:
    """Create an API key. Its secret is shown here, and never again."""
    pem = public_key.read() if public_key is not None else None
    made = with_ops(
        settings,
        lambda ops: ops.create_key(account_name, list(comp_ids), list(permissions), label, pem),
    )
    proof = f"secret  {made['secret']}" if pem is None else f"public  {made['public_key']}"
    emit(made, f"api_key {made['api_key']}\n{proof}", as_json=as_json)


@key.command("revoke")
@click.argument("api_key")
@as_json
@asks
def revoke_key(settings: Configuration, *, api_key: str, as_json: bool) -> None:
    """Revoke an API key."""
    with_ops(settings, lambda ops: ops.revoke_key(api_key))
    emit({"api_key": api_key, "revoked": True}, f"revoked {api_key}", as_json=as_json)


def with_ops(settings: Configuration, question: Callable[[OpsClient], Awaitable[Result]]) -> Result:
    """Return what the ops HTTP answers to a question."""

    async def connect_and_ask() -> Result:
        async with _ops_client(settings) as ops:
            return await question(ops)

    return asyncio.run(connect_and_ask())


def _ops_client(settings: Configuration) -> OpsClient:
    """Return a client of the venue that the variables name, or else of the one on `data`."""
    running = None if os.environ.get("AGIO_OPS_URL") else venue.read(settings.data)
    url = running.endpoints["ops"] if running else settings.ops_url
    if settings.ops_token is not None:
        return OpsClient(url, settings.ops_token.get_secret_value())
    token_file = Path(running.ops_token_file if running else settings.data / "secrets/ops_token")
    try:
        return OpsClient(url, token_file.read_text().strip())
    except OSError:
        raise OpsError(
            f"no venue runs on {settings.data}: start one with `agio up`, or name one with "
            "AGIO_OPS_URL and AGIO_OPS_TOKEN"
        ) from None


def _endpoint_lines(endpoints: dict[str, Any]) -> str:
    return "\n".join(f"{name:16} {endpoint}" for name, endpoint in endpoints.items())

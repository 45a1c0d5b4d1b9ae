"""A service as a process: it starts, tells how it is, and stops when it is told to."""

import asyncio
import contextlib
import os
import signal
import time

import structlog
import uvloop

from agio import services, telemetry
from agio.configuration import Configuration, ConfigurationError
from agio.secret_files import Secrets
from agio.services import Service

log = structlog.get_logger("agio")


def run(name: str, configuration: Configuration) -> None:
    """Run one service in this process until SIGTERM or SIGINT."""
    try:
        configuration.data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"can't write {configuration.data}: {error.strerror}") from error
    log_file = configuration.log_directory and configuration.log_directory / f"{name}.log"
    telemetry.configure_logging(configuration.log_level, log_file, configuration.trace_sample_rate)
    service = services.makers()[name](configuration, Secrets(configuration))
    uvloop.run(_run_until_told(name, service, configuration))


async def _run_until_told(name: str, service: Service, configuration: Configuration) -> None:
    from agio.health_server import serve_health
    from agio.span_outlet import close_outlets

    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    started = False

    def health() -> dict[str, object]:
        # A service that is still replaying or migrating has nothing to tell yet. The process is
        # named so that the supervisor knows its own child from another venue's on the same port.
        return {"pid": os.getpid()} | (service.health() if started else {"ready": False})

    port = services.metrics_port(configuration, name)
    try:
        endpoint = await serve_health(health, configuration.host, port)
    except OSError as error:
        raise ConfigurationError(f"{name}_metrics_port = {port}: {error}") from error
    log.info("service starting", service=name, metrics_port=port)
    try:
        started = await _start_unless_told(service, told)
        if started:
            log.info("service started", service=name)
            await _report_metrics(name, configuration, told)
    except Exception as error:
        log.exception("service failed", service=name)
        raise SystemExit(f"agio {name}: {type(error).__name__}: {error}") from error
    finally:
        await endpoint.cleanup()
        await service.stop()
        close_outlets()
        log.info("service stopped", service=name)


async def _report_metrics(name: str, configuration: Configuration, told: asyncio.Event) -> None:
    """Write the metrics for CloudWatch as often as is wanted, until told to stop."""
    if configuration.emf_seconds:
        from agio.emf import EmfReporter

        logs = configuration.log_directory
        reporter = EmfReporter(name, logs / f"{name}.emf" if logs is not None else None)
        while not told.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(configuration.emf_seconds):
                    await told.wait()
            reporter.report(time.time_ns() // 1_000_000)
    await told.wait()


async def _start_unless_told(service: Service, told: asyncio.Event) -> bool:
    """Start the service; give up when told to stop meanwhile. Say whether it started."""
    starting = asyncio.ensure_future(service.start())
    stopping = asyncio.ensure_future(told.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if starting.done():
        await starting
        return True
    starting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await starting
    return False

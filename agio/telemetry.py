"""What an operator sees of a service: JSON logs without secrets, with the ids of traces."""

import logging
import logging.handlers
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import structlog

from agio.configuration import ConfigurationError
from vocabulary.trace_ids import is_sampled, sampling_bound, trace_id

Processor = Callable[[object, str, MutableMapping[str, Any]], MutableMapping[str, Any]]

LOG_FILE_BYTES_MAX = 16 * 2**20
LOG_FILES_KEPT = 5

SECRET_NAMES = re.compile(
    r"secret|password|token|master_key|private_key|authorization|signature", re.IGNORECASE
)
URL_PASSWORD = re.compile(r"(?<=://)([^:/@\s]*):[^@/\s]+@")
QUERY_SECRET = re.compile(
    rf"(?<=[?&])([\w-]*(?:{SECRET_NAMES.pattern})[\w-]*)=[^&\s'\"]+", re.IGNORECASE
)
REDACTED = "(redacted)"


def redact(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Take secrets out of a log line: what is named as one, and those within URLs."""
    for name, value in event.items():
        event[name] = REDACTED if SECRET_NAMES.search(name) else _redacted(value)
    return event


def _redacted(value: Any) -> Any:
    """Return a value without secrets, however deep in it they are."""
    if isinstance(value, str):
        if "://" in value:
            value = URL_PASSWORD.sub(rf"\1:{REDACTED}@", value)
        return QUERY_SECRET.sub(rf"\1={REDACTED}", value) if "=" in value else value
    if isinstance(value, Mapping):
        return {
            name: REDACTED if SECRET_NAMES.search(str(name)) else _redacted(each)
            for name, each in value.items()
        }
    if isinstance(value, list | tuple | set):
        return [_redacted(each) for each in value]
    return value


def name_trace(bound: int) -> Processor:
    """Return what adds the trace's id to a line about one traced record.

    Such a line has the record's `sequence` and `timestamp_ns`.
    """

    def add_trace_id(
        _logger: object, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        sequence, timestamp_ns = event.get("sequence"), event.get("timestamp_ns")
        if not (isinstance(sequence, int) and isinstance(timestamp_ns, int)):
            return event
        if is_sampled(sequence, bound):
            event["trace_id"] = f"{trace_id(sequence, timestamp_ns):032x}"
        return event

    return add_trace_id


def configure_logging(level: str, file: Path | None, trace_sample_rate: float = 0.0) -> None:
    """Log JSON lines, ours and the libraries', to `file` in turns of bounded size, or to stderr.

    Lines about a traced order have its `trace_id`. Raises `ConfigurationError` if `file` can't be
    written, as where the data directory is another user's.
    """
    every_line: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_trace(sampling_bound(trace_sample_rate)),
        structlog.processors.format_exc_info,
    ]
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    if file is not None:
        handler = _file_handler(file)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=every_line,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redact,  # last, so that it sees exceptions and the libraries' lines too
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)  # a line for every scrape
    structlog.configure(
        processors=[*every_line, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _file_handler(file: Path) -> logging.Handler:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return logging.handlers.RotatingFileHandler(
            file, maxBytes=LOG_FILE_BYTES_MAX, backupCount=LOG_FILES_KEPT
        )
    except OSError as error:
        raise ConfigurationError(f"can't write {file}: {error.strerror}") from error

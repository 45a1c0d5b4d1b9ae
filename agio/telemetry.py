"""What an operator sees of a service: JSON logs without secrets."""

import logging
import logging.handlers
import re
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

LOG_FILE_BYTES_MAX = 16 * 2**20
LOG_FILES_KEPT = 5

SECRET_NAMES = re.compile(
    r"secret|password|token|master_key|authorization|signature", re.IGNORECASE
)
URL_PASSWORD = re.compile(r"(?<=://)([^:/@\s]*):[^@/\s]+@")
REDACTED = "(redacted)"


def redact(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Take secrets out of a log line: what is named as one, and passwords within URLs."""
    for name, value in event.items():
        if SECRET_NAMES.search(name):
            event[name] = REDACTED
        elif isinstance(value, str) and "://" in value:
            event[name] = URL_PASSWORD.sub(rf"\1:{REDACTED}@", value)
    return event


def configure_logging(level: str, file: Path | None) -> None:
    """Log JSON lines, ours and the libraries', to `file` in turns of bounded size, or to stderr."""
    every_line: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            file, maxBytes=LOG_FILE_BYTES_MAX, backupCount=LOG_FILES_KEPT
        )
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

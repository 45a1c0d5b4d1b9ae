"""AWS on one machine, played by moto's server: for trying out, and for tests.

It keeps everything in memory: what it held is gone when it ends. moto is no dependency of the
venue; whoever wants this installs it.
"""

from __future__ import annotations

import importlib.util
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from agio import child_process
from agio.child_process import ServerFailedError

START_TIMEOUT_S = 60.0
REGION = "us-east-1"
STREAM = "agio-events"
SHARDS = 2
BUCKET = "agio"
TABLES = "agio"

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": REGION,
}
"""What boto3 looks for; moto takes any key."""

ARCHIVE_FLUSH_S = 2.0
POLL_S = 0.1
"""Between two looks at a shard: nobody counts them here."""

# It would log a line for every request, and there are dozens a second.
PROGRAM = """
import logging
from moto.server import main
logging.getLogger("werkzeug").setLevel(logging.ERROR)
main()
"""


class EmbeddedAws:
    """An AWS on 127.0.0.1 with the venue's stream and bucket in it, that dies with us.

    `log` is the path of its log. It takes a free port at its first start and keeps it.
    """

    def __init__(self, log: Path) -> None:
        self.port = 0
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "not started"
        return self._process

    def settings(self) -> dict[str, Any]:
        """Return the settings that point the venue at it."""
        return {
            "event_stream_url": f"kinesis://{REGION}/{STREAM}?endpoint={self.endpoint}",
            "event_stream_poll_seconds": POLL_S,
            "marketdata_source": "stream",
            "trade_history_url": f"dynamodb://{REGION}/{TABLES}?endpoint={self.endpoint}",
            "archive_url": f"s3://{BUCKET}/archive?endpoint={self.endpoint}",
            "archive_flush_seconds": ARCHIVE_FLUSH_S,
            "backup_url": f"s3://{BUCKET}/backup?endpoint={self.endpoint}",
        }

    def start(self) -> None:
        """Start the server and return when all is there. Raises `ServerFailedError`."""
        missing = [name for name in ("moto", "flask") if importlib.util.find_spec(name) is None]
        if missing:
            raise ServerFailedError(
                f"AWS: {' and '.join(missing)} not installed: pip install 'moto[server]'"
            )
        self.port = self.port or child_process.free_port()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            self._process = child_process.start(
                [sys.executable, "-c", PROGRAM, "-H", "127.0.0.1", "-p", str(self.port)],
                None,
                ends_by=signal.SIGTERM,
                output=log,
            )
        try:
            child_process.wait_until(self._is_ready, self._process, self._log, START_TIMEOUT_S)
        except ServerFailedError as error:
            raise ServerFailedError(f"AWS: {error}") from error
        self._client("kinesis").create_stream(StreamName=STREAM, ShardCount=SHARDS)
        self._client("s3").create_bucket(Bucket=BUCKET)

    def stop(self) -> None:
        if self._process is not None:
            child_process.stop(self._process, signal.SIGTERM, START_TIMEOUT_S)

    def _is_ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False

    def _client(self, service: str) -> Any:
        import boto3  # a third of a second, which nobody else waits for

        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
        )

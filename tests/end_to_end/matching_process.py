"""The matching process alone, with a snapshot every so many records.

`python -m tests.end_to_end.matching_process DIRECTORY MODE RECORDS`
"""

import asyncio
import logging
import signal
import sys
from pathlib import Path

from agio import hot_paths

hot_paths.prefer_source()

import structlog  # noqa: E402
import uvloop  # noqa: E402

from matching.edge.server import MatchingServer  # noqa: E402


async def main(directory: Path, mode: str, snapshot_records: int) -> None:
    server = MatchingServer(
        journal_directory=directory / "journal",
        address=f"unix://{directory}/matching.sock",
        mode="fsync" if mode == "fsync" else "os",
        segment_bytes=1 << 20,  # small: kills meet segments being begun, too
        snapshot_command=[sys.executable, "-m", "agio", "snapshot", str(directory)],
        snapshot_records=snapshot_records,
    )
    await server.start()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    await server.stop()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    uvloop.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))

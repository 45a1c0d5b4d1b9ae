"""The matching process alone: `python -m tests.end_to_end.matching_process DIRECTORY MODE`."""

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


async def main(directory: Path, mode: str) -> None:
    server = MatchingServer(
        journal_directory=directory / "journal",
        address=f"unix://{directory}/matching.sock",
        mode="fsync" if mode == "fsync" else "os",
        segment_bytes=1 << 20,  # small: kills meet segments being begun, too
    )
    await server.start()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    await server.stop()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    uvloop.run(main(Path(sys.argv[1]), sys.argv[2]))

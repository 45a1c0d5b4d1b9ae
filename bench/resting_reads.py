"""What a read costs at a place drawn at random in a memory of some size: a book's yardstick.

    python -m bench.resting_reads 127000000

No read waits for another one, so the processor has as many under way as it can, as it has where a
batch's commands are fetched ahead. A command reads several places: it can't cost less than they do.
"""

from __future__ import annotations

import sys
import time

import numpy as np

LINE_WORDS = 8  # of a line of the caches: 64 bytes
READS = 1_000_000


def main() -> None:
    sys.stdout.write(f"{1e6 * seconds_a_read(int(sys.argv[1])):.6f}\n")


def seconds_a_read(size: int) -> float:
    """Return what one read costs in a memory of so many bytes, all of which is there."""
    lines = max(size // (8 * LINE_WORDS), 1)
    memory = np.ones(lines * LINE_WORDS, np.int64)
    places = np.random.default_rng(1).integers(0, lines, READS) * LINE_WORDS
    taken = np.ones(READS, np.int64)
    start = time.process_time()
    memory.take(places, out=taken, mode="clip")
    return (time.process_time() - start) / READS


if __name__ == "__main__":
    main()

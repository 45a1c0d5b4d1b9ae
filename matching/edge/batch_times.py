"""When a batch did each step; a batch begins at the time that its records bear."""

from typing import NamedTuple


class BatchTimes(NamedTuple):
    """UTC nanoseconds."""

    taken_ns: int
    executed_ns: int
    committed_ns: int
    published_ns: int

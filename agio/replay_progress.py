"""How far `agio replay` has come, and how fast, on a terminal."""

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

if TYPE_CHECKING:
    from matching.edge.journal_replay import Progress as Reached

_SHOW_SECONDS = 0.1


class ReplayProgress:
    """A bar on standard error while it is a terminal; nothing otherwise."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        text = TextColumn("{task.fields[sequence]:,} records, {task.fields[rate]:,.0f}/s")
        columns = (TextColumn("replaying"), BarColumn(), TaskProgressColumn(), text)
        self._bar = Progress(
            *columns, console=console, disable=not console.is_terminal, transient=True
        )
        self._task = self._bar.add_task("", sequence=0, rate=0.0)
        self._started = time.monotonic()
        self._shown = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def show(self, reached: "Reached") -> None:
        now = time.monotonic()
        if now - self._shown < _SHOW_SECONDS:
            return
        self._shown = now
        self._bar.update(
            self._task,
            completed=reached.bytes_done,
            total=reached.bytes_total,
            sequence=reached.sequence,
            rate=reached.sequence / (now - self._started),
        )

"""A run, live: its firm at work, its stream followed, and an end in good order."""

import asyncio
import contextlib
import time
from collections.abc import Callable

from agio.firm import Firm
from agio.standings import Standings
from trading.events import AnyEvent
from trading.execution.edge.run_switches import RunSwitches
from trading.execution.risk import ALL
from trading.runs import Run
from trading.stream.edge.subscriber import StreamSubscriber

WATCH_S = 0.2
CANCEL_TIMEOUT_S = 10.0


class LiveRun:
    """Follows the stream of a run whose firm trades, into `standings`.

    `problems` says what did not go as it should.
    """

    def __init__(self, firm: Firm, run: Run, standings: Standings) -> None:
        self.standings = standings
        self.problems: list[str] = []
        self._firm = firm
        self.run = run

    async def play(
        self, until: asyncio.Event, seconds: float | None, show: Callable[[], None]
    ) -> float:
        """Trade until told, or for so long; then cancel everything. Return how long it was.

        `show` is called several times a second.
        """
        settings = self._firm.configuration
        started_s = time.monotonic()
        subscriber = StreamSubscriber(
            settings.feeds_host, settings.feeds_port, self.run.from_sequence, self._take
        )
        following = asyncio.create_task(subscriber.run())
        try:
            while not until.is_set() and not following.done():
                if seconds is not None and time.monotonic() - started_s >= seconds:
                    break
                self._firm.watch()
                show()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(until.wait(), WATCH_S)
            await self._cancel_all()
        finally:
            following.cancel()
            [ended] = await asyncio.gather(following, return_exceptions=True)
            if isinstance(ended, Exception):
                self.problems.append(f"the stream was lost: {ended}")
        return time.monotonic() - started_s

    def _take(self, events: list[AnyEvent]) -> None:
        self.standings.apply(events)

    async def _cancel_all(self) -> None:
        """End the deciding, pull all kill switches and wait until nothing is open any more."""
        self._firm.stop_deciding()
        settings = self._firm.configuration
        assert settings.redis_url is not None
        switches = RunSwitches(settings.redis_url, self.run.name)
        try:
            await switches.pull(ALL, "the run ends")
        finally:
            await switches.close()
        deadline_s = time.monotonic() + CANCEL_TIMEOUT_S
        # What was on its way when the switch was pulled may open for a moment.
        quiet_since_s = time.monotonic()
        while time.monotonic() - quiet_since_s < 2 * WATCH_S:
            if self.standings.open_orders:
                quiet_since_s = time.monotonic()
            if time.monotonic() > deadline_s:
                self.problems.append(f"{self.standings.open_orders} orders are still open")
                return
            self._firm.watch()
            await asyncio.sleep(WATCH_S / 4)

"""A process that keeps leases: `lease_holder.py URL NAME LEASE…`; a line for all that happens.

`gained LEASE TOKEN`, `lost LEASE`, and every few milliseconds `acts LEASE TOKEN` with the token by
which it would act. Stops in order at SIGTERM.
"""

import asyncio
import signal
import sys

import structlog

from trading.leases.edge.lease_keeper import LeaseKeeper
from trading.leases.edge.redis_leases import RedisLeases
from trading.leases.lease_store import Member

ACT_S = 0.005


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def run(url: str, name: str, leases: list[str]) -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    store = RedisLeases(url, "alpha:test")
    keeper = LeaseKeeper(
        store,
        Member(name, f"{name}:1"),
        leases,
        on_gained=lambda lease, token: say("gained", lease, token),
        on_lost=lambda lease: say("lost", lease),
    )
    keeper.start()
    while not told.is_set():
        for lease in leases:
            if token := keeper.token(lease):
                say("acts", lease, token)
        await asyncio.sleep(ACT_S)
    await keeper.stop()
    await store.close()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(run(sys.argv[1], sys.argv[2], sys.argv[3:]))

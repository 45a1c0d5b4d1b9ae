"""A cluster of three Valkey servers on this machine, each with a third of the slots."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import redis

from agio.child_process import free_port
from agio.embedded_valkey import EmbeddedValkey
from vocabulary.redis_cluster import SLOTS

PASSWORD = "test-password"
SERVERS = 3
FORMED_S = 30.0


class ValkeyCluster:
    def __init__(self, servers: list[EmbeddedValkey]) -> None:
        self.servers = servers

    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in self.servers)
        return f"redis+cluster://default:{PASSWORD}@{hosts}"

    def ask(self, number: int, *command: str | int) -> Any:
        """Return what a server answers to a command of the cluster."""
        with redis.Redis.from_url(self.servers[number].url()) as client:
            return client.execute_command(*command)

    def owner(self, slot: int) -> int:
        """Return the number of the server that had a slot at first."""
        return next(number for number in range(SERVERS) if slot < _first_slot(number + 1))

    def move(self, slot: int, to: int) -> None:
        """Give a slot without keys to another server."""
        name = self.ask(to, "CLUSTER", "MYID").decode()
        for number in (to, *(other for other in range(SERVERS) if other != to)):
            self.ask(number, "CLUSTER", "SETSLOT", slot, "NODE", name)


@contextmanager
def valkey_cluster(directory: Path) -> Iterator[ValkeyCluster]:
    bus_ports = [free_port() for _ in range(SERVERS)]
    with ExitStack() as stack:
        servers = []
        for number in range(SERVERS):
            # Not in pytest's directory: as root the server runs as nobody, who may not enter there.
            place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            place.chmod(0o777)
            settings = [
                "cluster-enabled yes",
                f"cluster-port {bus_ports[number]}",
                f"dir {place}",
            ]
            server = EmbeddedValkey(directory / f"{number}.log", PASSWORD, settings)
            servers.append(stack.enter_context(server))
        cluster = ValkeyCluster(servers)
        for number in range(SERVERS):
            slots = (_first_slot(number), _first_slot(number + 1) - 1)
            cluster.ask(number, "CLUSTER", "ADDSLOTSRANGE", *slots)
        for other in range(1, SERVERS):
            port = servers[other].port
            cluster.ask(0, "CLUSTER", "MEET", "127.0.0.1", port, bus_ports[other])
        deadline = time.monotonic() + FORMED_S
        while not all(
            b"cluster_state:ok" in cluster.ask(number, "CLUSTER", "INFO")
            and b"cluster_known_nodes:3" in cluster.ask(number, "CLUSTER", "INFO")
            for number in range(SERVERS)
        ):
            assert time.monotonic() < deadline, "the cluster does not form"
            time.sleep(0.05)
        yield cluster


def _first_slot(number: int) -> int:
    return number * SLOTS // SERVERS

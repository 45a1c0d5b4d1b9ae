"""Whether the ports that a venue is to listen on are free: told before anything starts."""

import socket
import time
from collections.abc import Callable, Mapping

from agio.child_process import ServerFailedError

FREE_TIMEOUT_S = 10.0
"""A killed supervisor's services stop by themselves, and hold their ports until they have."""


def wait_until_free(host: str, ports: Mapping[str, int], tell: Callable[[str], None]) -> None:
    """Wait until all of `ports`, by the names of their settings, can be listened on.

    `tell` hears at once what is waited for. Raises `ServerFailedError`, which names each setting.
    """
    taken = _taken(host, ports)
    if taken:
        tell(f"waiting for {taken}, which another process has")
    deadline = time.monotonic() + FREE_TIMEOUT_S
    while taken:
        if time.monotonic() > deadline:
            raise ServerFailedError(
                f"another process has {taken}: stop it, or move all ports with --port-base"
            )
        time.sleep(0.1)
        taken = _taken(host, ports)


def _taken(host: str, ports: Mapping[str, int]) -> str:
    return ", ".join(f"{name} = {port}" for name, port in ports.items() if not _is_free(host, port))


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        # As a service listens: without waiting for connections that have ended (SO_REUSEADDR).
        socket.create_server((host, port), family=family).close()
    except OSError:
        return False
    return True

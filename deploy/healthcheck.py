#!/usr/bin/env python3
"""Exit with 0 if the services whose metrics are on the given ports are ready; else say who is not.

Imports nothing of agio: it runs every few seconds beside each service, and is to cost little.
"""

import sys
import urllib.request

TIMEOUT_S = 2.0


def unready(ports: list[str]) -> str | None:
    for port in ports:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=TIMEOUT_S).close()
        except OSError as error:
            return f"port {port}: {error}"
    return None


if __name__ == "__main__":
    sys.exit(unready(sys.argv[1:]))

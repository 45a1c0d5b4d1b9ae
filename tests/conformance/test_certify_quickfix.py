"""QuickFIX is certified: it passes every check of `agio certify`."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(180)]

quickfix_client = pytest.importorskip(
    "tests.conformance.quickfix_client", reason="quickfix is not installed: make conformance"
)
quickfix = pytest.importorskip("quickfix", reason="quickfix is not installed: make conformance")

ORDER: dict[int, object] = {55: "BTCUSDT", 54: 1, 38: "0.01", 40: 2, 44: "50000"}


class Certified:
    """A QuickFIX application whose operator follows the certification's lines."""

    def __init__(self, port: int, directory: Path) -> None:
        self._port = port
        self._directory = directory
        self._orders = 0
        self._client: Any = None

    def do(self, name: str) -> None:
        act: dict[str, Callable[[], None]] = {
            "logon": self.start,
            "new_order": self.enter,
            "order": self.enter,
            "replace": lambda: self.follow("G", "replaced", {38: "0.02", 40: 2, 44: "50000"}),
            "cancel": lambda: self.follow("F", "canceled", {}, "replaced"),
            "order_reject": lambda: self.enter("50000.001"),
            "business_reject": self.enter,
            "session_reject": self.enter,
            "resend": self.enter,
            "cancel_on_disconnect": self.drop,
            "logout": self.stop,
        }
        act.get(name, lambda: None)()

    def start(self) -> None:
        class Client(quickfix_client.QuickFixClient):  # type: ignore[misc, name-defined]
            def toAdmin(self, message: Any, session_id: Any) -> None:  # noqa: N802
                super().toAdmin(message, session_id)
                if message.getHeader().getField(35) == "A":
                    message.setField(quickfix.StringField(8013, "S"))

        key = {"api_key": "any", "secret": "any"}
        self._client = Client(self._port, self._directory, key, "QUICK")
        self._client.start()
        self._client.wait_for_logon()

    def enter(self, price: str = "50000") -> None:
        self._orders += 1
        self._client.send("D", ORDER | {11: f"order-{self._orders}", 44: price, 59: 1})

    def follow(
        self, msg_type: str, name: str, more: dict[int, object], original: str = "order"
    ) -> None:
        names: dict[int, object] = {11: f"{name}-1", 41: f"{original}-1", 55: "BTCUSDT", 54: 1}
        self._client.send(msg_type, names | more)

    def drop(self) -> None:
        """Leave without Logout(5); QuickFIX connects again by itself."""
        quickfix.Session.lookupSession(self._client._session_id).disconnect()

    def stop(self) -> None:
        self._client.stop()


def test_quickfix_passes_every_check(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "agio", "certify", "--json", "--seconds", "20"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stdout is not None
    certified: Certified | None = None
    for line in process.stderr:
        name, _, task = line.removeprefix("> ").strip().partition(": ")
        if name == "open":
            certified = Certified(int(task.rpartition(":")[2]), tmp_path)
        elif certified is not None:
            certified.do(name)
    report = json.loads(process.stdout.read())
    process.stdout.close()
    process.stderr.close()
    failed = {each["name"]: each["text"] for each in report["checks"] if not each["passed"]}
    assert failed == {}
    assert process.wait() == 0

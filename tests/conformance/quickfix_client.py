"""QuickFIX itself as the client: our dictionary with validation on, its own FileStore."""

import queue
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import quickfix

from agio.hot_paths import ROOT

TIMEOUT_S = 20.0
WITHOUT_TIME = {"H", "AD", "AF", "M", "XLQ", "V", "c", "e", "g", "x"}
"""The requests that have no TransactTime(60)."""

Groups = dict[int, list[dict[int, object]]]
"""By the tag that counts them, the entries of each group."""

SETTINGS = """
[DEFAULT]
ConnectionType=initiator
StartTime=00:00:00
EndTime=00:00:00
HeartBtInt=5
ReconnectInterval=1
UseDataDictionary=Y
DataDictionary={dictionary}
ValidateFieldsOutOfOrder=Y
ValidateFieldsHaveValues=Y
ValidateUserDefinedFields=Y
FileStorePath={directory}/store
FileLogPath={directory}/log
SocketConnectHost=127.0.0.1
SocketConnectPort={port}
ResetOnLogon={resets}

[SESSION]
BeginString=FIX.4.4
SenderCompID={comp_id}
TargetCompID=AGIO
"""


class QuickFixClient(quickfix.Application):  # type: ignore[misc]
    """Log on by entering, log out by leaving; numbers go on where the last one left them.

    `resets`: with ResetSeqNumFlag(141) instead.
    """

    def __init__(
        self,
        port: int,
        directory: Path,
        key: dict[str, str],
        comp_id: str,
        *,
        resets: bool = False,
    ) -> None:
        super().__init__()
        self.rejects_sent: list[str] = []
        self.resend_requests_sent = 0
        self._key = key
        self._received: queue.Queue[list[tuple[int, str]]] = queue.Queue()
        self._logged_on: queue.Queue[None] = queue.Queue()
        self._logout_texts: queue.Queue[str] = queue.Queue()
        self._session_id: Any = None
        settings = directory / "quickfix.cfg"
        directory.mkdir(parents=True, exist_ok=True)
        settings.write_text(
            SETTINGS.format(
                dictionary=ROOT / "fix_specs" / "fix44.xml",
                directory=directory,
                port=port,
                comp_id=comp_id,
                resets="Y" if resets else "N",
            )
        )
        self._settings = quickfix.SessionSettings(str(settings))
        self._stores = quickfix.FileStoreFactory(self._settings)
        self._logs = quickfix.FileLogFactory(self._settings)
        self._initiator = quickfix.SocketInitiator(self, self._stores, self._settings, self._logs)

    def __enter__(self) -> Self:
        self.start()
        self.wait_for_logon()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        self._initiator.start()

    def stop(self) -> None:
        self._initiator.stop()
        del self._initiator  # QuickFIX knows one session of a name: the next client's is another

    def wait_for_logon(self) -> None:
        """Return when a Logon(A) was answered that no call has waited for yet."""
        self._logged_on.get(timeout=TIMEOUT_S)

    def logout_text(self) -> str:
        """Return Text(58) of the next Logout(5) that we sent."""
        return self._logout_texts.get(timeout=TIMEOUT_S)

    @property
    def has_more(self) -> bool:
        """Say whether `report` would return at once."""
        return not self._received.empty()

    def report(self) -> dict[int, str]:
        """Return the next application message that QuickFIX found valid."""
        return dict(self.pairs())

    def pairs(self) -> list[tuple[int, str]]:
        """Return the fields of the next application message, those of its groups, too."""
        return self._received.get(timeout=TIMEOUT_S)

    def send(self, msg_type: str, fields: dict[int, object], groups: Groups | None = None) -> None:
        message = quickfix.Message()
        message.getHeader().setField(quickfix.StringField(35, msg_type))
        if msg_type not in WITHOUT_TIME:
            now = datetime.now(UTC).strftime("%Y%m%d-%H:%M:%S")
            message.setField(quickfix.StringField(60, now))
        for tag, value in fields.items():
            message.setField(quickfix.StringField(tag, str(value)))
        for counter, entries in (groups or {}).items():
            for entry in entries:
                group = quickfix.Group(counter, next(iter(entry)))
                for tag, value in entry.items():
                    group.setField(quickfix.StringField(tag, str(value)))
                message.addGroup(group)
        assert quickfix.Session.sendToTarget(message, self._session_id)

    # quickfix.Application, called from its own thread

    def onCreate(self, session_id: Any) -> None:  # noqa: N802
        self._session_id = session_id

    def onLogon(self, session_id: Any) -> None:  # noqa: N802
        self._logged_on.put(None)

    def onLogout(self, session_id: Any) -> None:  # noqa: N802
        pass

    def toAdmin(self, message: Any, session_id: Any) -> None:  # noqa: N802
        msg_type = message.getHeader().getField(35)
        if msg_type == "A":
            message.setField(quickfix.StringField(553, self._key["api_key"]))
            message.setField(quickfix.StringField(554, self._key["secret"]))
        elif msg_type == "3":
            self.rejects_sent.append(message.toString().replace("\x01", "|"))
        elif msg_type == "2":
            self.resend_requests_sent += 1

    def fromAdmin(self, message: Any, session_id: Any) -> None:  # noqa: N802
        if message.getHeader().getField(35) == "5":
            self._logout_texts.put(message.getField(58) if message.isSetField(58) else "")

    def toApp(self, message: Any, session_id: Any) -> None:  # noqa: N802
        if message.getHeader().getField(35) in {"j", "3"}:
            self.rejects_sent.append(message.toString().replace("\x01", "|"))

    def fromApp(self, message: Any, session_id: Any) -> None:  # noqa: N802
        pairs = (field.partition("=") for field in message.toString().split("\x01") if field)
        self._received.put([(int(tag), value) for tag, _, value in pairs])

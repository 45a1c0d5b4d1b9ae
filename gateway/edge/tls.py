"""TLS for a door: certificates from files, and anew from them when they have been renewed."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any, NamedTuple

import structlog

HANDSHAKE_TIMEOUT_S = 10.0

log = structlog.get_logger("gateway")


class TlsError(Exception):
    """A certificate or key that can't be used; the text names the file."""


class TlsFiles(NamedTuple):
    """PEM files. With `client_authorities` every client must show a certificate signed by one."""

    certificate: Path
    key: Path
    client_authorities: Path | None = None


class Tls:
    """A server's TLS 1.2 and 1.3. `context` stays one object; what it holds may be renewed."""

    def __init__(self, files: TlsFiles) -> None:
        """Read the files. Raises `TlsError`."""
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._files = files
        self._changed_ns = self._newest_change_ns()
        self._load()

    @property
    def asks_clients(self) -> bool:
        """Say whether a client has shown a certificate of its own, once it is connected."""
        return self._files.client_authorities is not None

    def renew(self) -> None:
        """Read the files again if one has changed; what can't be used leaves all as it was."""
        try:
            changed_ns = self._newest_change_ns()
            if changed_ns == self._changed_ns:
                return
            Tls(self._files)  # a pair that does not match would leave half of it in our context
            self._load()
        except TlsError as error:
            log.warning("TLS certificate not renewed", reason=str(error))
        else:
            self._changed_ns = changed_ns
            log.info("TLS certificate renewed", file=str(self._files.certificate))

    def _newest_change_ns(self) -> int:
        try:
            return max(file.stat().st_mtime_ns for file in self._files if file is not None)
        except OSError as error:
            raise TlsError(f"TLS: {error.filename}: {error.strerror}") from error

    def _load(self) -> None:
        certificate, key, client_authorities = self._files
        try:
            # A password would be asked for at the terminal: nobody is there.
            self.context.load_cert_chain(certificate, key, password=lambda: b"")
        except (OSError, ValueError) as error:
            raise TlsError(f"TLS: {certificate} with key {key}: {error}") from error
        if client_authorities is None:
            return
        try:
            self.context.load_verify_locations(client_authorities)
        except OSError as error:
            raise TlsError(f"TLS: client authorities {client_authorities}: {error}") from error
        self.context.verify_mode = ssl.CERT_REQUIRED


def common_name(peer_certificate: dict[str, Any]) -> str:
    """Return whose certificate it is, by the subject's common name; "" if it has none.

    It is what `ssl` makes of a certificate: a name is a sequence of sets of pairs.
    """
    for pairs in peer_certificate.get("subject", ()):
        for name, value in pairs:
            if name == "commonName":
                return str(value)
    return ""

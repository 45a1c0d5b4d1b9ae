"""Secrets that nobody gave us: made at the first start, kept under DATA for this user alone."""

import base64
import binascii
import os
import secrets
from pathlib import Path

from pydantic import SecretStr

from agio.configuration import Configuration, ConfigurationError

MASTER_KEY_BYTES = 32


class Secrets:
    """The venue's secrets: configured ones, else what the files under `data`/secrets hold.

    A file is made, with mode 0600, when its secret is first asked for.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self.directory = configuration.data / "secrets"

    @property
    def ops_token(self) -> str:
        return self._value("ops_token", self._configuration.ops_token)

    @property
    def service_token(self) -> str:
        return self._value("service_token", self._configuration.service_token)

    @property
    def postgres_password(self) -> str:
        return self._value("postgres_password", None)

    @property
    def redis_password(self) -> str:
        return self._value("redis_password", None)

    @property
    def master_key(self) -> bytes:
        """Return the key of 32 bytes. Raises `ConfigurationError` if what was given is none."""
        text = self._value("master_key", self._configuration.master_key)
        try:
            key = base64.b64decode(text, validate=True)
        except binascii.Error:
            key = b""
        if len(key) != MASTER_KEY_BYTES:
            raise ConfigurationError(f"master_key: must be {MASTER_KEY_BYTES} bytes in base64")
        return key

    @property
    def backup_key_file(self) -> Path:
        """Return the path of the key that encrypts backup and archive."""
        if self._configuration.backup_key_file is not None:
            return self._configuration.backup_key_file.absolute()
        self._value("backup_key", None)
        return self.directory / "backup_key"

    def _value(self, name: str, configured: SecretStr | None) -> str:
        if configured is not None:
            return configured.get_secret_value()
        path = self.directory / name
        try:
            return path.read_text().strip()
        except FileNotFoundError:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            return _create(path)


def _create(path: Path) -> str:
    """Write a new secret; where another process was first, return its."""
    value = base64.b64encode(secrets.token_bytes(MASTER_KEY_BYTES)).decode()
    if path.name not in {"master_key", "backup_key"}:
        value = secrets.token_urlsafe(24)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(value + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(unfinished)  # whole or not at all, and only once
    except FileExistsError:
        return path.read_text().strip()
    finally:
        unfinished.unlink()
    return value

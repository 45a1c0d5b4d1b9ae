"""The runs of the trading application on disk: DATA/runs/NAME/run.json, and keys.json beside it.

`run.json` is written once and never changed: what was decided and traded under a run's name can be
explained by it afterwards. `keys.json` holds the strategies' API keys, for this user alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
from pydantic import ValidationError

from agio.configuration import ConfigurationError
from trading.runs import Run

RUN_FILE = "run.json"
KEYS_FILE = "keys.json"


class ApiKey(msgspec.Struct, frozen=True):
    """The credentials of the account that a strategy trades."""

    api_key: str
    secret: str


def run_directory(data: Path, name: str) -> Path:
    return data / "runs" / name


def names(data: Path) -> list[str]:
    """Return the names of all runs, sorted."""
    return sorted(path.parent.name for path in (data / "runs").glob(f"*/{RUN_FILE}"))


def write(data: Path, run: Run, keys: Mapping[str, ApiKey]) -> Path:
    """Write down a new run; return its directory. Raises `ConfigurationError` if it is not new."""
    directory = run_directory(data, run.name)
    if (directory / RUN_FILE).exists():
        raise ConfigurationError(f"run {run.name!r} exists already: {directory / RUN_FILE}")
    directory.mkdir(parents=True, exist_ok=True)
    _write(directory / KEYS_FILE, msgspec.json.format(msgspec.json.encode(dict(keys))), 0o600)
    # Last: a run with a name has its keys.
    _write(directory / RUN_FILE, run.model_dump_json(indent=2).encode(), 0o644)
    return directory


def read(data: Path, name: str) -> Run:
    """Return a run. Raises `ConfigurationError`: there is none, or the file is no run."""
    path = run_directory(data, name) / RUN_FILE
    try:
        run = Run.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        known = ", ".join(names(data)) or "none"
        raise ConfigurationError(f"run {name!r}: there is no {path}; runs: {known}") from None
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()
        )
        raise ConfigurationError(f"{path}: {problems}") from None
    if run.name != name:
        raise ConfigurationError(f"{path}: the run in it is called {run.name!r}")
    return run


def read_keys(data: Path, name: str) -> dict[str, ApiKey]:
    """Return the API keys of a run by strategy name. Raises `ConfigurationError`."""
    path = run_directory(data, name) / KEYS_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, ApiKey])
    except FileNotFoundError:
        raise ConfigurationError(f"run {name!r}: there is no {path}") from None
    except msgspec.MsgspecError as error:
        raise ConfigurationError(f"{path}: {error}") from None


def read_key(path: Path) -> ApiKey:
    """Return the API key in a file of its own. Raises `ConfigurationError`."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=ApiKey)
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigurationError(f"{path}: {error}") from None


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write a file so that nobody ever sees it in part, or with another mode."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content + b"\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)

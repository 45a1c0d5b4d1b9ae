"""Children that never outlive us, and servers that refuse to run as root."""

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1  # linux/prctl.h
TAIL_BYTES_MAX = 2000
CACHE = Path("/var/cache/agio")

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class ServerFailedError(Exception):
    """A server did not start; the message ends with what it said."""


def die_with_parent(by: signal.Signals) -> Callable[[], None]:
    """Return what a child runs before exec to get `by` when this process dies, however it dies.

    Linux only; elsewhere a killed parent leaves its children. The signal comes when the *thread*
    that started the child ends, and a change of user clears it: so only the main thread may start
    children, and subprocess runs this after it has changed the user.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("children are started from the main thread, or they die with another")
    parent = os.getpid()

    def set_signal() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, int(by))
            if os.getppid() != parent:  # it died before prctl could tell
                os._exit(1)

    return set_signal


@dataclass(frozen=True)
class Account:
    """The user a server runs as, where that is not us."""

    uid: int
    gid: int

    def own(self, path: Path) -> None:
        os.chown(path, self.uid, self.gid)


def unprivileged_account() -> Account | None:
    """Return the account for servers if we are root, None if they may run as we do."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


def start(
    arguments: Sequence[str | Path],
    account: Account | None,
    *,
    ends_by: signal.Signals,
    output: IO[bytes] | int,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child, as `account` if one is given, that gets `ends_by` when we die.

    It has its own session: Ctrl-C at the terminal reaches us alone, and we stop it in order.
    """
    return subprocess.Popen(
        [os.fspath(argument) for argument in arguments],
        cwd="/" if account else None,
        stdin=stdin,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=die_with_parent(ends_by),  # noqa: PLW1509 (the main thread has no locks to lose)
        pass_fds=pass_fds,
        env=environment,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def stop(process: subprocess.Popen[bytes], by: signal.Signals, timeout_s: float) -> int:
    """Stop a child and return its exit status; past `timeout_s` it is killed."""
    if process.poll() is None:
        process.send_signal(by)
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def wait_until(
    ready: Callable[[], bool],
    process: subprocess.Popen[bytes],
    log: Path,
    timeout_s: float,
    log_start: int = 0,
) -> None:
    """Wait until a server is ready. Raises `ServerFailedError` if it ends or takes too long.

    The error quotes what stands in `log` behind the byte `log_start`.
    """
    deadline = time.monotonic() + timeout_s
    while not ready():
        if process.poll() is not None:
            raise ServerFailedError(f"it ended with {process.returncode}: {tail(log, log_start)}")
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise ServerFailedError(
                f"it was not ready after {timeout_s:g} s: {tail(log, log_start)}"
            )
        time.sleep(0.01)


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free now; until it is taken, another may take it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def tail(log: Path, start: int = 0) -> str:
    """Return the last lines of what stands behind the byte `start`."""
    return log.read_bytes()[start:][-TAIL_BYTES_MAX:].decode(errors="replace").strip()


def executable_by(account: Account | None, folders: Sequence[Path], binary: Path) -> Path:
    """Return the path of `binary`, which lies in `folders[0]`, as `account` can execute it.

    A virtual environment under a 0700 home can't be entered by another user. Then the folders,
    which are siblings that find each other by relative paths, are copied once to CACHE.
    """
    if account is None or _can_execute(account, binary):
        return binary
    version = f"{folders[0].name}-{int(binary.stat().st_mtime)}"
    copy = CACHE / version
    if not copy.exists():
        unfinished = CACHE / f"{version}.{os.getpid()}"
        for folder in folders:
            shutil.copytree(folder, unfinished / folder.name)
        CACHE.chmod(0o755)
        unfinished.chmod(0o755)
        try:
            unfinished.rename(copy)
        except OSError:  # another process was first
            shutil.rmtree(unfinished)
    return copy / folders[0].name / binary.relative_to(folders[0])


def _can_execute(account: Account, binary: Path) -> bool:
    result = subprocess.run(
        ["/bin/sh", "-c", 'test -x "$0"', str(binary)],
        cwd="/",
        check=False,
        user=account.uid,
        group=account.gid,
        extra_groups=[],
    )
    return result.returncode == 0

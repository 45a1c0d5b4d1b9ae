import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agio import child_process
from agio.child_process import ServerFailedError

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes the user")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Give a folder that every user can enter, as pytest's own can't be."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@needs_root
def test_binaries_that_nobody_can_reach_are_copied_once_with_their_libraries(
    tmp_path: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_process, "CACHE", open_folder)
    package, libraries = tmp_path / "server", tmp_path / "server.libs"
    (package / "bin").mkdir(parents=True)
    libraries.mkdir()
    (libraries / "answer").write_text("42")
    binary = package / "bin" / "server"
    binary.write_text('#!/bin/sh\ncat "${0%/*}/../../server.libs/answer"\n')
    binary.chmod(0o755)
    account = child_process.unprivileged_account()
    assert account is not None

    copy = child_process.executable_by(account, [package, libraries], binary)
    assert subprocess.check_output([copy], user=account.uid, cwd="/") == b"42"
    assert child_process.executable_by(account, [package, libraries], binary) == copy
    assert len(list(open_folder.iterdir())) == 1


@needs_root
def test_two_processes_that_copy_binaries_at_once_both_find_them(
    tmp_path: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_process, "CACHE", open_folder)
    binary = tmp_path / "server" / "server"
    binary.parent.mkdir()
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    account = child_process.unprivileged_account()
    assert account is not None
    copy = shutil.copytree

    def copy_as_another_does(source: Path, target: Path) -> None:
        monkeypatch.undo()
        monkeypatch.setattr(child_process, "CACHE", open_folder)
        copy(source, target)
        copy(target.parent, target.parent.with_suffix(""))  # the other one has renamed its own

    monkeypatch.setattr(shutil, "copytree", copy_as_another_does)
    found = child_process.executable_by(account, [binary.parent], binary)
    assert os.access(found, os.X_OK)
    assert list(open_folder.iterdir()) == [found.parent.parent]


def test_children_are_refused_outside_the_main_thread(tmp_path: Path) -> None:
    raised: list[Exception] = []

    def start() -> None:
        try:
            child_process.die_with_parent(signal.SIGTERM)
        except RuntimeError as error:
            raised.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert len(raised) == 1


def test_a_child_that_ignores_the_signal_is_killed() -> None:
    child = child_process.start(
        ["/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"],
        None,
        ends_by=signal.SIGKILL,
        output=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    assert child_process.stop(child, signal.SIGTERM, 0.2) == -signal.SIGKILL
    child.stdout.close()


def test_a_server_that_ends_at_once_fails_with_what_it_said(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as output:
        child = child_process.start(
            ["/bin/sh", "-c", "echo no such disk; exit 3"],
            None,
            ends_by=signal.SIGKILL,
            output=output,
        )
    with pytest.raises(ServerFailedError, match="ended with 3: no such disk"):
        child_process.wait_until(lambda: False, child, log, timeout_s=10)

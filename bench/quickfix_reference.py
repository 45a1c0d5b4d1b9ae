"""QuickFIX as the acceptor that our gateway is measured beside: compiled of the package's sources.

They are downloaded by pip, as `requirements-conformance.txt` pins them, compiled once with our
`quickfix_acceptor.cpp`, which takes some minutes, and kept where Python's packages are.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from agio.child_process import free_port
from agio.hot_paths import ROOT

SOURCE = ROOT / "bench" / "quickfix_acceptor.cpp"
DICTIONARY = ROOT / "fix_specs" / "fix44.xml"
COMPILER = ("g++", "-std=c++17", "-O2", "-w", "-D__cpp_noexcept_function_type")
LEFT_OUT = ("QuickfixPython.cpp", "SSL")


class NoReferenceError(Exception):
    """QuickFIX can't be had here; the text says why."""


@contextmanager
def acceptor(cores: AbstractSet[int], *comp_ids: str) -> Iterator[int]:
    """Run QuickFIX for clients of these CompIDs; yield its port. Raises `NoReferenceError`."""
    command = [str(program()), str(DICTIONARY), str(free_port()), *comp_ids]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        os.sched_setaffinity(running.pid, cores)
        assert running.stdout is not None
        try:
            yield int(running.stdout.readline())
        finally:
            running.terminate()


@cache
def program() -> Path:
    """Return the compiled acceptor; make it if there is none, or an older one."""
    place = Path(sys.prefix) / "share" / "quickfix-acceptor"
    if not place.exists() or place.stat().st_mtime < SOURCE.stat().st_mtime:
        print("QuickFIX is compiled to measure beside it: some minutes, once", file=sys.stderr)
        place.parent.mkdir(exist_ok=True)
        try:
            with tempfile.TemporaryDirectory() as directory:
                _compile(_sources(Path(directory)), place)
        except (OSError, subprocess.CalledProcessError) as error:
            raise NoReferenceError(str(error)) from error
    return place


def _sources(directory: Path) -> Path:
    """Download and unpack the package; return where its C++ is."""
    how = ("--no-deps", "--no-binary", ":all:", "--no-build-isolation", "--require-hashes")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", *how]
    pinned = str(ROOT / "requirements-conformance.txt")
    subprocess.run([*pip, "--requirement", pinned, "--dest", str(directory)], check=True)
    [archive] = directory.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(directory, filter="data")
    [sources] = directory.glob("*/C++")
    return sources


def _compile(sources: Path, place: Path) -> None:
    files = [
        file for file in sources.glob("*.cpp") if not any(part in file.name for part in LEFT_OUT)
    ]

    def compile_one(file: Path) -> Path:
        made = file.with_suffix(".o")
        subprocess.run([*COMPILER, f"-I{sources}", "-c", file, "-o", made], check=True)
        return made

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compile_one, [*files]))
    unfinished = place.with_suffix(".new")
    link = [*COMPILER, f"-I{sources}", str(SOURCE), *map(str, objects), "-lpthread"]
    subprocess.run([*link, "-o", str(unfinished)], check=True)
    unfinished.replace(place)

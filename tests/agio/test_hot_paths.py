import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agio import hot_paths

PRINT_FORMS = """
from agio import hot_paths
print(hot_paths.prefer_source())
print({module: hot_paths.is_compiled(module) for module in hot_paths.present_modules()})
"""


def forms(**environment: str) -> tuple[str, dict[str, bool]]:
    """Return whether a new process prefers the source, and which modules it runs compiled."""
    inherited = {name: value for name, value in os.environ.items() if name != "AGIO_UNCOMPILED"}
    output = subprocess.check_output(
        [sys.executable, "-c", PRINT_FORMS],
        text=True,
        env=inherited | environment,
        cwd=hot_paths.ROOT,
    )
    preferred, compiled = output.splitlines()
    return preferred, eval(compiled)


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_every_hot_path_runs_compiled_where_a_compiler_is_found() -> None:
    preferred, compiled = forms()
    assert preferred == "False", f"changed since compiled: {hot_paths.stale_modules()}"
    assert all(compiled.values()), compiled


@pytest.mark.parametrize("compiler", ["/bin/false", "no-such-compiler"])
def test_the_build_goes_on_without_a_compiler(compiler: str, tmp_path: Path) -> None:
    completed = subprocess.run(
        [
            *(sys.executable, "setup.py", "build_ext"),
            *("--build-lib", str(tmp_path / "lib"), "--build-temp", str(tmp_path / "temp")),
        ],
        env=os.environ | {"CC": compiler},
        cwd=hot_paths.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    assert 'building extension "matching.core.engine" failed' in completed.stderr
    assert not list(tmp_path.rglob("*.so"))


def test_no_hot_path_runs_compiled_when_told_not_to() -> None:
    preferred, compiled = forms(AGIO_UNCOMPILED="1")
    assert preferred == "True"
    assert not any(compiled.values()), compiled


def test_a_source_newer_than_its_extension_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hot_paths, "ROOT", tmp_path)
    source = hot_paths.source_path(hot_paths.HOT_MODULES[0])
    source.parent.mkdir(parents=True)
    (tmp_path / "setup.py").touch()  # a checkout
    source.write_text("")
    assert hot_paths.stale_modules() == []  # nothing compiled, nothing stale

    extension = source.with_suffix(".abi3.so")
    extension.write_bytes(b"")
    os.utime(source, (time.time() - 60,) * 2)
    assert hot_paths.stale_modules() == []

    source.touch()
    os.utime(extension, (time.time() - 60,) * 2)
    assert hot_paths.stale_modules() == [hot_paths.HOT_MODULES[0]]

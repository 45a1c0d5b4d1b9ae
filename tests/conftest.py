"""What every test shares: which form of the hot paths runs, and Hypothesis's patience."""

from agio import hot_paths

UNCOMPILED = hot_paths.prefer_source()  # before any test module imports a hot path

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

# The machines that run this share their cores: a slow example is no finding.
settings.register_profile("agio", deadline=None)
settings.load_profile("agio")


def pytest_report_header() -> list[str]:
    stale = hot_paths.stale_modules()
    lines = [f"hot paths: {'source' if UNCOMPILED else 'compiled where built'}"]
    if stale:
        lines.append(f"changed since compiled, run `make build`: {', '.join(stale)}")
    return lines


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of what is compiled: `make test` runs them both ways."""
    for item in items:
        if "tests/matching/core/" in item.path.as_posix():
            item.add_marker("core")

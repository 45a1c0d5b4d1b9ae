"""The directions of import that pyproject.toml declares, and what each place may touch."""

import ast
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from agio.hot_paths import ROOT

PACKAGES = ("vocabulary", "fix_specs", "gateway", "matching", "marketdata", "accounts", "trading")
# The world: sockets, clocks, processes, chance, servers. Only an edge may import it.
WORLD = {
    "aiohttp", "asyncio", "asyncpg", "alembic", "http", "random", "redis", "select", "selectors",
    "signal", "socket", "sqlalchemy", "ssl", "subprocess", "threading", "time", "urllib", "uvloop",
}  # fmt: skip
HARMLESS = ("http.HTTPStatus", "urllib.parse")  # names of numbers, a grammar
WORLDLY_CALLS = {"open", "now", "utcnow", "today"}  # open(), datetime.now() and their like


def is_edge(path: Path) -> bool:
    """Say whether a module may touch the world."""
    parts = path.relative_to(ROOT).parts
    return (
        "edge" in parts
        or "migrations" in parts
        or path.name == "__main__.py"
        or parts == ("matching", "client.py")
    )


PURE_MODULES = [
    path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
    if not is_edge(path)
]


def imported_modules(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def called_names(tree: ast.AST) -> set[str]:
    functions = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    plain = {function.id for function in functions if isinstance(function, ast.Name)}
    return plain | {
        function.attr for function in functions if isinstance(function, ast.Attribute)
    } & {"now", "utcnow", "today"}


def test_imports_point_in_one_direction() -> None:
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml")) == 0


@pytest.mark.parametrize("path", PURE_MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_an_edge_touches_the_world(path: Path) -> None:
    tree = ast.parse(path.read_text())
    imported = imported_modules(tree)
    worldly = {name for name in imported if name.split(".")[0] in WORLD}
    assert not {name for name in worldly if not name.startswith(HARMLESS)}
    assert not {name for name in imported if "edge" in name.split(".")}
    assert not called_names(tree) & WORLDLY_CALLS

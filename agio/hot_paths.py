"""The modules on the order's hot path: ordinary Python that Cython also compiles in place.

This list is the only one. `setup.py` compiles it, the Makefile watches its files, and the command
line and the tests call `prefer_source` where the compiled form must not run: when AGIO_UNCOMPILED
is set, or when a source is newer than its extension. Run as a script it prints the source paths.

Imports nothing of ours and nothing installed: the build reads it before anything is installed.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent

HOT_MODULES = (
    "gateway.fix.codec",
    "gateway.fix.timestamps",
    "gateway.fix.formats",
    "gateway.fix.message_buffer",
    "gateway.fix.layout",
    "gateway.fix.dictionary",
    "gateway.fix.store",
    "gateway.fix.inbound",
    "gateway.fix.outbound",
    "gateway.fix.session_core",
    "gateway.fix.logged_on",
    "gateway.fix.session",
    "gateway.orders",
    "gateway.order_table",
    "gateway.packed_events",
    "gateway.order_changes",
    "gateway.order_tracker",
    "gateway.fix_application.execution_report",
    "gateway.fix_application.reports",
    "gateway.fix_application.delivery",
    "gateway.fix_application.orders",
    "gateway.fix_application.plain_orders",
    "gateway.fix_application.session_answers",
    "gateway.fix_application.order_flow",
    "gateway.fix_application.report_routes",
    "gateway.order_entry",
    "gateway.throttle",
    "gateway.edge.sent_messages",
    "gateway.edge.fix_acceptor",
    "gateway.edge.fix_sessions",
    "gateway.edge.fix_door",
    "gateway.edge.json_door",
    "gateway.edge.gateway",
    "vocabulary.tallies",
    "vocabulary.codec",
    "vocabulary.command_writer",
    "vocabulary.packed_records",
    "vocabulary.instrument",
    "matching.core.fees",
    "matching.core.name_rows",
    "matching.core.client_order_ids",
    "matching.core.holds",
    "matching.core.order",
    "matching.core.ladder",
    "matching.core.order_table",
    "matching.core.bare_book",
    "matching.core.price_limits",
    "matching.core.order_book",
    "matching.core.event_writer",
    "matching.core.self_trade",
    "matching.core.state",
    "matching.core.matcher",
    "matching.core.auction_trades",
    "matching.core.order_terms",
    "matching.core.engine",
    "matching.journal_format",
    "matching.sequencer",
    "matching.admission",
    "matching.command_check",
    "matching.link",
    "matching.pipeline",
    "matching.replay",
    "matching.unanswered",
    "matching.edge.metrics",
    "matching.edge.connection",
    "matching.edge.segments",
    "matching.edge.journal",
    "matching.edge.disk_watch",
    "matching.edge.publisher",
    "matching.edge.group_commit",
    "matching.edge.server",
    "matching.edge.link_client",
    "matching.client",
    "trading.alpha.market",
    "trading.alpha.orders",
    "trading.alpha.machine",
    "trading.strategies.quoting",
    "trading.strategies.imbalance",
    "trading.strategies.market_making",
    "trading.strategies.momentum",
    "trading.backtest.venue",
    "trading.backtest.recording",
    "trading.backtest.background",
    "trading.backtest.simulation",
)


def source_path(module: str) -> Path:
    return ROOT.joinpath(*module.split(".")).with_suffix(".py")


def extension_path(module: str) -> Path | None:
    """Return the extension that would be imported for `module`, or None where there is none."""
    stem = source_path(module).with_suffix("")
    for suffix in importlib.machinery.EXTENSION_SUFFIXES:
        path = stem.with_name(stem.name + suffix)
        if path.exists():
            return path
    return None


def present_modules() -> list[str]:
    return [module for module in HOT_MODULES if source_path(module).exists()]


def sources(module: str) -> list[Path]:
    """Return what `module` is compiled from: its .py, and the .pxd with its C types, if any."""
    path = source_path(module)
    return [path] + [types for types in [path.with_suffix(".pxd")] if types.exists()]


def stale_modules() -> list[str]:
    """Return the modules whose source has changed since it was compiled.

    Only a checkout has sources that change: an installed file's time says when it was copied.
    """
    if not (ROOT / "setup.py").exists():
        return []
    stale = []
    for module in present_modules():
        extension = extension_path(module)
        changed = max(path.stat().st_mtime for path in sources(module))
        if extension is not None and extension.stat().st_mtime < changed:
            stale.append(module)
    return stale


def is_compiled(module: str) -> bool:
    """Say whether the module that an import gives in this process is the compiled one."""
    spec = importlib.util.find_spec(module)
    return spec is not None and isinstance(spec.loader, importlib.machinery.ExtensionFileLoader)


class SourceFinder(importlib.abc.MetaPathFinder):
    """Finds the .py of a hot module even where an extension lies beside it."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 (the import protocol's signature)
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in HOT_MODULES:
            return None
        return importlib.util.spec_from_file_location(fullname, source_path(fullname))


def prefer_source() -> bool:
    """Make this process run the sources if it was told to or must; say whether it does.

    Compiled modules share their layouts, so one stale extension sends all of them to source.
    Call it before the first import of a hot module.
    """
    if not os.environ.get("AGIO_UNCOMPILED") and not stale_modules():
        return False
    sys.meta_path.insert(0, SourceFinder())
    return True


if __name__ == "__main__":
    for path in (path for name in present_modules() for path in sources(name)):
        print(path.relative_to(ROOT))  # noqa: T201 (the Makefile reads it)

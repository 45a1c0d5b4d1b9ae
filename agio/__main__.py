"""`python -m agio` and the `agio` command."""

from agio import hot_paths

hot_paths.prefer_source()  # before the command line imports anything that is compiled

from agio.alpha_command import alpha  # noqa: E402
from agio.archive_commands import archive  # noqa: E402
from agio.backtest_command import backtest  # noqa: E402
from agio.backup_commands import backup, restore  # noqa: E402
from agio.bench_command import bench  # noqa: E402
from agio.certify_command import certify  # noqa: E402
from agio.command_line import main  # noqa: E402
from agio.events_command import events  # noqa: E402
from agio.execution_commands import execution  # noqa: E402
from agio.feeds_command import feeds  # noqa: E402
from agio.fix_session_commands import fix_session  # noqa: E402
from agio.history_commands import history  # noqa: E402
from agio.instrument_commands import instrument  # noqa: E402
from agio.maintenance_commands import maintenance  # noqa: E402
from agio.parity_command import parity  # noqa: E402
from agio.top_command import top  # noqa: E402
from agio.trade_command import trade  # noqa: E402

__all__ = ["main"]

main.add_command(alpha)
main.add_command(archive)
main.add_command(bench)
main.add_command(backtest)
main.add_command(certify)
main.add_command(events)
main.add_command(backup)
main.add_command(execution)
main.add_command(feeds)
main.add_command(fix_session)
main.add_command(history)
main.add_command(instrument)
main.add_command(maintenance)
main.add_command(parity)
main.add_command(top)
main.add_command(restore)
main.add_command(trade)

if __name__ == "__main__":
    main()

"""`agio --help`: the commands by what one wants to do, the first ones first."""

import click

SECTIONS = {
    "Begin here": ("demo", "up", "status", "top"),
    "The desk": ("account", "key", "instrument", "fix-session", "maintenance"),
    "Data": ("replay", "snapshot", "events", "backup", "restore"),
    "Clients": ("certify",),
    "Services, one process each; `agio up` runs the first four": (
        "matching",
        "accounts",
        "marketdata",
        "gateway",
        "feed",
        "stream",
        "trade-history",
        "archive",
    ),
    "The customer's side": (
        "trade",
        "feeds",
        "history",
        "alpha",
        "execution",
        "backtest",
        "parity",
    ),
    "Measure": ("bench",),
}


class HelpPage(click.Group):
    """A group whose help has its commands in SECTIONS."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the sections; click calls it for the help."""
        for title, names in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, _first_sentence(self.commands[name])) for name in names])


def _first_sentence(command: click.Command) -> str:
    """Return what a command does, whole: click would cut it at the line's end."""
    paragraph = " ".join((command.help or "").split("\n\n")[0].split())
    return paragraph.removesuffix(".")

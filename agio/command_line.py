"""The `agio` command."""

import click

from agio import __version__, hot_paths


def version_report() -> str:
    """Return the version, and for each hot path whether it runs compiled here."""
    lines = [f"agio {__version__}"]
    lines += [
        f"  {module} {'compiled' if hot_paths.is_compiled(module) else 'uncompiled'}"
        for module in hot_paths.present_modules()
    ]
    return "\n".join(lines)


def print_version(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        click.echo(version_report())
        context.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_version,
    help="Print the version and which hot paths are compiled.",
)
def main() -> None:
    """Run and operate the agio trading venue."""

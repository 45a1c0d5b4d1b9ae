"""`python -m agio` and the `agio` command."""

from agio import hot_paths

hot_paths.prefer_source()  # before the command line imports anything that is compiled

from agio.command_line import main  # noqa: E402

if __name__ == "__main__":
    main()

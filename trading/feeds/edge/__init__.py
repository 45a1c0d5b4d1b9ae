"""The sockets, files and clocks of the data feeds handler."""

"""Sockets, files and clocks of the gateway."""

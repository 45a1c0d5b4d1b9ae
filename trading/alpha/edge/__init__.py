"""The alpha generator's sockets, files and clocks."""

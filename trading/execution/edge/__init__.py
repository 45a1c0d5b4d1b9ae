"""The execution engine's sockets, clock and store."""

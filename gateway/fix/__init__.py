"""A FIX 4.4 library: no orders, no sockets, no files, no clock."""

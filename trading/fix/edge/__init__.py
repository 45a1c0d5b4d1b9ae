"""Sockets and clock."""

"""The centre: one process orders every command, journals it, matches it and emits events."""

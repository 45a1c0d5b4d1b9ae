"""The words every room of the venue shares: instruments, commands, events, refusals and their bytes.

Nothing here does I/O, and nothing here imports another package of the project.
"""

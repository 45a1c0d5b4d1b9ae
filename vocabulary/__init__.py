"""The words that all rooms share: instruments, commands, events, refusals and their bytes.

Nothing here does I/O, and nothing here imports another package of the project.
"""

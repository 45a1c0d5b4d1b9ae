"""The centre: one process orders every command, journals it, matches it and emits events.

A command's way: `client` sends it over the `link` to `edge.server`, which hands all that have
arrived to the `pipeline`: the `sequencer` gives each its place, `core.engine` says what it does.
Command and events become a record; `edge.journal` makes the batch durable, and only then the
server tells everyone. `replay` does it all again from the journal when the process starts.
"""

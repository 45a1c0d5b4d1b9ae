"""The execution engine: decisions into orders at the venue, and what became of them into events.

It keeps nothing of its own. What it knows is a fold of the stream and what the venue answers, so an
instance that has just started knows as much as the one that has just died.
"""

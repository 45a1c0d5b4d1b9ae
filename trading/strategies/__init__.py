"""What decides: each strategy a plain class, a pure step from state and event to decisions.

`strategy` is the protocol, `registry` finds one by name, `parameters` says what each can be told.
They calculate in integers alone, so that a state is the same on every machine.
"""

"""The alpha generator: what strategies see, what they own, and the machine that steps them.

`market` and `orders` are what the stream says of a symbol and of a strategy's own orders in it;
`machine` puts each event through both, asks the strategy, and numbers what it decides. `edge` is
the service that runs the machines, several instances for one run.
"""

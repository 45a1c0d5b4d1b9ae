"""The venue's customer: a trading application of services that each do one thing.

`feeds` takes market data in and lets nothing malformed further; `history` keeps them. Both speak
the words of `trading.events`.
"""

"""The data feeds handler: what sources send, checked, put right and numbered as `trading.events`.

A message passes these stations, each a module: the strict shape (`schema`, `exchange_info`), the
clock (`clock_check`), the copies of redundant connections to one sequence (`arbitration`), the book
(`book_sync`), one number over everything (`sequencer`). `symbol_feed` is the way of one symbol,
`handler` that of all. None of them does I/O; `edge` does.
"""

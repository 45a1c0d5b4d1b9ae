"""JSON requests, replies and streams in the shapes of Binance's spot API: no sockets, no clock.

Shapes and numbers are those of https://developers.binance.com/docs/binance-spot-api-docs, so that
its clients work unchanged. Decimals are text, times in requests and replies are UTC milliseconds.
"""

"""Events to channels: depth, tape, candles and ticker, published on Redis."""

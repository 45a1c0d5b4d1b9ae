"""Messages as our venue sends them, and what Binance documents beside them."""

from vocabulary.instrument import Asset, Instrument, build_instrument, listing_terms

DEPTH = (
    b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1795347868967,"s":"BTCUSDT",'
    b'"U":83,"u":84,"pu":82,"b":[["100.03","0.19100"],["99.87","0.00000"]],"a":[["100.37","0.00800"]]}}'
)
DEPTH_OF_BINANCE = DEPTH.replace(b'"pu":82,', b"")
TRADE = (
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1795347868960,"s":"BTCUSDT","t":25,'
    b'"p":"100.02","q":"0.16200","b":75,"a":76,"T":1795347868960,"m":true,"M":true}}'
)
TRADE_OF_BINANCE = TRADE.replace(b'"b":75,"a":76,', b"")
STATUS = (
    b'{"stream":"btcusdt@status","data":{"e":"status","E":1795347868960,"s":"BTCUSDT","u":85,'
    b'"S":"OPENING_AUCTION","p":"100.02","q":"0.16200","B":"0.00000","A":"1.00000"}}'
)
STREAM = [DEPTH, DEPTH_OF_BINANCE, TRADE, TRADE_OF_BINANCE, STATUS]
SNAPSHOT = (
    b'{"lastUpdateId":90,"bids":[["100.03","0.19100"],["100.01","1.00000"]],'
    b'"asks":[["100.37","0.00800"],["100.40","0.10000"]]}'
)
RECEIVED_NS = 1_795_347_868_970_000_000


def btcusdt() -> Instrument:
    base, quote = Asset(1, "BTC", 8), Asset(2, "USDT", 8)
    return build_instrument(
        1,
        "BTCUSDT",
        base,
        quote,
        listing_terms(base, quote, "0.01", "0.00001"),
        maker_fee_ppm=0,
        taker_fee_ppm=0,
    )

cimport cython

from matching.core.event_writer cimport EventWriter
from matching.core.fees cimport fee_units, maker_fee_units
from matching.core.holds cimport Account, Funds
from matching.core.ladder cimport Ladder
from matching.core.order cimport Level, Order
from matching.core.matcher cimport Matcher
from matching.core.order_book cimport OrderBook

cdef int BUY
cdef int SELL

@cython.locals(buys=Level, sells=Level)
cpdef bint crosses(OrderBook book, long long price_ticks) except -1

@cython.locals(trades="long long", buy=Order, sell=Order)
cpdef long long trade_at(
    Matcher matcher, OrderBook book, long long price_ticks, long long trades_max
) except -1

cdef int settle(Matcher matcher, OrderBook book, Order order) except -1

@cython.locals(
    lots="long long",
    base_units="long long",
    quote_units="long long",
    buyer_is_maker=bint,
    resting=Order,
    incoming=Order,
    incoming_side=int,
    taker_received="long long",
    maker_received="long long",
    taker_fees=Funds,
    maker_fees=Funds,
    taker_fee="long long",
    maker_ppm="long long",
    maker_fee="long long",
    unheld="long long",
)
cdef int trade(
    Matcher matcher, OrderBook book, Order buy, Order sell, long long price_ticks
) except -1

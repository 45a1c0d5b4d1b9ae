cimport cython

from matching.core.event_writer cimport EventWriter
from matching.core.order cimport Level, Order
from matching.core.order_book cimport OrderBook

cdef int BUY

@cython.locals(
    mode=int,
    lots="long long",
    ends=int,
    resting_decrease="long long",
    incoming_decrease="long long",
    hidden_decrease="long long",
    resting_released="long long",
    incoming_released="long long",
)
cpdef int prevent(OrderBook book, Order resting, Order incoming, EventWriter events) except -1

@cython.locals(
    lots="long long", price_ticks="long long", hidden_lots="long long", level=Level, order=Order
)
cpdef bint can_fill(OrderBook book, Order incoming, long long limit_ticks) except -1

@cython.locals(
    cost="long long",
    lots="long long",
    units_per_lot="long long",
    taken="long long",
    level=Level,
    order=Order,
)
cpdef long long market_buy_units(
    OrderBook book, Order incoming, long long limit_ticks, long long units_max
) except *

cimport cython

from matching.core cimport packed
from matching.core.order_book cimport OrderBook

cdef Py_ssize_t TRIGGER_AT
cdef Py_ssize_t TRAILING_AT
cdef Py_ssize_t AMOUNT_AT
cdef Py_ssize_t DISPLAY_AT
cdef int TRADING
cdef int MARKET
cdef int LIMIT
cdef int DAY
cdef int IMMEDIATE_OR_CANCEL
cdef int FILL_OR_KILL
cdef int GOOD_TILL_DATE
cdef long long DAY_NS
cdef int POST_ONLY
cdef long long PRICE_MAX
cdef int NOT_TRADING
cdef int NOT_IN_AUCTION
cdef int UNSUPPORTED_ORDER
cdef int EXPIRE_TIME_OUT_OF_RANGE
cdef int PRICE_OUT_OF_RANGE
cdef int PRICE_OUTSIDE_BAND
cdef int TRIGGER_PRICE_OUT_OF_RANGE
cdef int QUANTITY_OUT_OF_RANGE
cdef int PRICE_OFF_INCREMENT
cdef int QUANTITY_OFF_INCREMENT
cdef int NOTIONAL_TOO_SMALL
cdef int NOTIONAL_TOO_LARGE

@cython.locals(
    order_type=int,
    is_market=bint,
    waits=bint,
    is_long=bint,
    is_off=bint,
    trigger_price_ticks="long long",
    trailing_bps="long long",
    quote_units="long long",
    display_lots="long long",
    time_in_force=int,
    flags=int,
    price_ticks="long long",
    lots="long long",
    refusal=int,
    side=int,
)
cdef int terms_refusal(
    OrderBook book, const long long* words, Py_ssize_t at, long long now_ns, bint has_turn
) except -1

cpdef int command_refusal(
    OrderBook book, bytes command, long long now_ns, bint has_turn
) except -1

cpdef long long ending(int time_in_force, long long expire_time_ns, long long now_ns) noexcept
cdef bint never_rests(int time_in_force) except -1
cdef int phase_refusal(OrderBook book, bint is_market, int time_in_force, int flags) except -1
cdef int price_refusal(OrderBook book, long long price_ticks, bint is_market) except -1
@cython.locals(refusal=int)
cdef int replace_refusal(OrderBook book, long long price_ticks, long long lots) except -1
cdef int notional_refusal(OrderBook book, long long price_ticks, long long lots) except -1

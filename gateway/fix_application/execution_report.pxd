cimport cython

from gateway.fix.message_buffer cimport MessageBuffer
from gateway.orders cimport Fill, Order, Report
from vocabulary.instrument cimport Units

cdef list _EXEC_TYPE_FIELDS
cdef list _ORD_STATUS_FIELDS
cdef list _SIDE_FIELDS
cdef list _ORD_TYPE_FIELDS
cdef list _TIME_IN_FORCE_FIELDS
cdef list _FLAG_FIELDS
cdef list _PREVENTION_FIELDS
cdef list _CANCEL_FIELDS
cdef long long _INT64_MAX
cdef MessageBuffer _OUT
cdef object _TRADE
cdef object _BUY
cdef bytes _ADDED_LIQUIDITY
cdef bytes _REMOVED_LIQUIDITY

@cython.locals(kind=int)
cpdef int put(MessageBuffer out, Report report, Order order) except -1

@cython.locals(out=MessageBuffer)
cpdef bytes state_of(Order order)

@cython.locals(fill=Fill)
cdef int _put_exec_id(MessageBuffer out, Report report, Order order) except -1

@cython.locals(
    units=Units, side=int, order_type=int, time_in_force=int, flags=int, prevention=int
)
cdef int _put_state(
    MessageBuffer out,
    Order order,
    int status,
    long long cumulative_lots,
    long long leaves_lots,
    object quote_units,
) except -1

@cython.locals(units=Units)
cdef int _put_price(MessageBuffer out, bytes tag, Order order, long long ticks) except -1

@cython.locals(units=Units)
cdef int _put_quantity(MessageBuffer out, bytes tag, Order order, long long lots) except -1

@cython.locals(units=Units)
cdef int _put_average_price(
    MessageBuffer out, Order order, object quote_units, long long cumulative_lots
) except -1

@cython.locals(units=Units, tick_units="long long", ticks="long long", mantissa="long long", scale=int)
cdef int _put_average_of(
    MessageBuffer out, Order order, long long quote_units, long long lots
) except -1

cdef int _put_long_average(
    MessageBuffer out, Order order, object quote_units, long long lots
) except -1

@cython.locals(takes_profit=bint, is_up=bint)
cdef int _put_trigger(MessageBuffer out, Order order) except -1

@cython.locals(units=Units)
cdef int _put_trade(MessageBuffer out, Fill fill, Order order) except -1

cdef bytes _prevented(object prevented, Order order, object kind)

cimport cython

from matching.core.ladder cimport Ladder, Level, Order
from matching.core.order_table cimport OrderTable

cdef int LIMIT
cdef int IMMEDIATE_OR_CANCEL
cdef int MARKET
cdef int CANCEL
cdef int SELL
cdef int COMMAND_WORDS
cdef int TRADE_WORDS
cdef long long TICKS_MAX


@cython.final
cdef class BareBook:
    cdef readonly list ladders
    cdef readonly OrderTable orders
    cdef list spare
    cdef object buffer
    cdef long long[::1] words
    cdef Py_ssize_t end

    @cython.locals(at=Py_ssize_t)
    cpdef bytes run(self, const long long[::1] commands, Py_ssize_t first, Py_ssize_t count)

    @cython.locals(own=Ladder, opposite=Ladder, order=Order, found=Order)
    cdef void execute(
        self,
        int kind,
        int side,
        int symbol,
        long long order_id,
        long long price_ticks,
        long long lots,
    ) except *

    @cython.locals(limit="long long", traded="long long", level=Level, resting=Order)
    cdef long long match(
        self, Ladder ladder, long long order_id, long long limit_ticks, long long lots
    ) except *

    cdef void rest(self, Ladder ladder, Order order, long long price_ticks, long long lots) except *
    cdef void leave(self, Ladder ladder, Order order) except *

    @cython.locals(at=Py_ssize_t, words="long long[::1]")
    cdef void report(
        self, long long resting_id, long long incoming_id, long long price_ticks, long long lots
    ) except *

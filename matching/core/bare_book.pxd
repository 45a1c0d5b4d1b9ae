cimport cython

from matching.core.ladder cimport Ladder
from matching.core.order cimport Level, Resting
from matching.core.order_table cimport OrderTable

cdef int LIMIT
cdef int IMMEDIATE_OR_CANCEL
cdef int MARKET
cdef int CANCEL
cdef int REPLACE
cdef int SELL
cdef int COMMAND_WORDS
cdef int TRADE_WORDS
cdef long long TICKS_MAX
cdef int READS_AHEAD
cdef int CACHED_ORDERS
cdef int FETCH_STEPS


@cython.final
cdef class BareBook:
    cdef readonly list ladders
    cdef readonly OrderTable orders
    cdef list spare
    cdef object buffer
    cdef long long[::1] words
    cdef Py_ssize_t room
    cdef Py_ssize_t end

    @cython.locals(at=Py_ssize_t, end=Py_ssize_t, ahead=Py_ssize_t)
    cpdef bytes run(self, const long long[::1] commands, Py_ssize_t first, Py_ssize_t count)

    @cython.locals(step=int, ahead=Py_ssize_t, kind=int, side=Py_ssize_t, ladder=Ladder)
    cdef int read_ahead(
        self, const long long[::1] commands, Py_ssize_t at, Py_ssize_t end
    ) except -1

    @cython.locals(own=Ladder, opposite=Ladder, found=Resting)
    cdef int execute(
        self,
        int kind,
        int side,
        int symbol,
        long long order_id,
        long long price_ticks,
        long long lots,
    ) except -1

    @cython.locals(order=Resting)
    cdef int enter(
        self,
        Ladder own,
        Ladder opposite,
        long long order_id,
        long long price_ticks,
        long long lots,
    ) except -1

    @cython.locals(order_id="long long")
    cdef int replace(
        self, Ladder own, Ladder opposite, Resting order, long long price_ticks, long long lots
    ) except -1

    @cython.locals(limit="long long", traded="long long", level=Level, resting=Resting)
    cdef Py_ssize_t match(
        self, Ladder ladder, long long order_id, long long limit_ticks, long long lots
    ) except -1

    cdef int leave(self, Ladder ladder, Resting order) except -1

    @cython.locals(at=Py_ssize_t)
    cdef int report(
        self, long long resting_id, long long incoming_id, long long price_ticks, long long lots
    ) except -1

cimport cython

from matching.core cimport packed
from matching.core.engine cimport Engine
from matching.core.event_writer cimport EventWriter
from matching.core.holds cimport Account
from matching.core.order cimport Level, Order
from matching.core.order_book cimport OrderBook

cdef long long REJECTED
cdef long long TRADED
cdef long long NAME_BYTES
cdef Py_ssize_t TRADE_WORDS
cdef long long ACCOUNT_MASK
cdef long long RESTING_LIMIT
cdef long long IMMEDIATE_LIMIT


@cython.final
cdef class SimulatedVenue:
    cdef readonly Engine engine
    cdef readonly object instrument
    cdef readonly long long sequence
    cdef public long long now_ns
    cdef readonly long long refused
    cdef long long[::1] entering
    cdef long long[::1] replacing
    cdef long long[::1] canceling
    cdef public list changed
    cdef readonly list own_events
    cdef readonly Account background
    cdef readonly OrderBook book

    @cython.locals(level=Level)
    cpdef long long level_lots(self, int side, long long price_ticks) except *
    cpdef long long background_lots(self, int side, long long price_ticks) except *
    @cython.locals(order=Order, lots="long long")
    cdef long long lots_of_others(self, Level level) except *
    cpdef long long firm_order_count(self) except *
    @cython.locals(level=Level, missing="long long")
    cpdef void settle(self, int side, long long price_ticks, long long lots) except *
    @cython.locals(order=Order, older=Order, taken="long long")
    cdef void shrink(self, Level level, long long lots) except *
    @cython.locals(newest=Order)
    cdef void grow(self, Level level, int side, long long price_ticks, long long lots) except *
    cpdef void take(self, int side, long long price_ticks, long long lots) except *
    @cython.locals(words="long long[::1]")
    cdef void enter(self, long long terms, long long price_ticks, long long lots) except *
    @cython.locals(words="long long[::1]")
    cdef void replace(self, Order order, long long quantity_lots) except *
    @cython.locals(words="long long[::1]")
    cdef void cancel(self, Order order) except *
    cdef void carry_out(self, const long long[::1] words) except *
    @cython.locals(
        words="long long[::1]", at=Py_ssize_t, kind="long long", accounts="long long",
        incoming_side=int,
    )
    cdef void look_at(self, EventWriter events) except *

cimport cython

from matching.core.holds cimport Account, Funds


@cython.final
cdef class Order:
    cdef readonly long long order_id
    cdef readonly Account account
    cdef readonly long long instrument_id
    cdef readonly int side
    cdef public long long price_ticks
    cdef public long long quantity_lots
    cdef public long long leaves_lots
    cdef readonly int flags
    cdef public bytes client_order_id
    cdef readonly unsigned long long content
    cdef public long long expire_time_ns
    cdef public bint is_open
    cdef public long long closed_ns
    cdef public Funds spends
    cdef public Funds receives
    cdef public long long hold_per_lot
    cdef public Level level
    cdef public Order older
    cdef public Order newer


@cython.final
cdef class Level:
    cdef readonly long long price_ticks
    cdef public long long lots
    cdef public Order oldest
    cdef public Order newest


@cython.final
cdef class Ladder:
    cdef readonly long long sign
    cdef readonly dict levels
    cdef readonly list keys
    cdef readonly Level best

    @cython.locals(key=object, level=Level, last=Order)
    cpdef void append(self, Order order) except *
    @cython.locals(level=Level, older=Order, newer=Order)
    cpdef void remove(self, Order order) except *
    @cython.locals(level=Level)
    cpdef void reduce(self, Order order, long long lots) noexcept
    @cython.locals(key=object)
    cpdef void drop(self, Level level) except *

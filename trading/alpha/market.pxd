cimport cython


@cython.final
cdef class BookSide:
    cdef readonly long long sign
    cdef readonly dict lots
    cdef readonly list keys
    cdef readonly long long best_ticks
    cdef readonly object best_lots

    @cython.locals(
        known=dict, price_ticks=object, lots=object, count=Py_ssize_t, ticks=cython.longlong
    )
    cpdef void apply(self, tuple levels) except *
    cpdef void clear(self) except *
    cpdef tuple levels(self)
    @cython.locals(key=object, best=object)
    cdef void _remove(self, object price_ticks) except *


@cython.final
cdef class Market:
    cdef readonly str symbol
    cdef readonly long long sequence
    cdef readonly long long now_ns
    cdef readonly tuple instrument
    cdef readonly bint is_in_sync
    cdef readonly BookSide bids
    cdef readonly BookSide asks
    cdef readonly long long middle_half_ticks
    cdef readonly long long trade_id
    cdef readonly long long trade_price_ticks
    cdef readonly object trade_lots
    cdef readonly bint buyer_was_maker

    cpdef void apply(self, object event) except *
    cpdef object save(self)
    cpdef void load(self, object saved) except *
    @cython.locals(bid_ticks=cython.longlong, ask_ticks=cython.longlong)
    cdef void _change(self, tuple bids, tuple asks) except *
    cdef void _print(self, object event) except *

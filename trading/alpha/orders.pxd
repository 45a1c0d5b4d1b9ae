cimport cython


@cython.final
cdef class OwnOrder:
    cdef readonly object decision
    cdef readonly long long number
    cdef readonly object side
    cdef readonly long long price_ticks
    cdef public object leaves_lots
    cdef public bint is_open
    cdef public long long cancel


@cython.final
cdef class OwnOrders:
    cdef readonly str strategy
    cdef readonly str symbol
    cdef readonly long long epoch
    cdef readonly dict live
    cdef readonly object position_lots
    cdef readonly object cash_tick_lots
    cdef readonly object base_fee_units
    cdef readonly object quote_fee_units
    cdef readonly object bought_lots
    cdef readonly object sold_lots
    cdef readonly long long fills
    cdef readonly long long refused

    cpdef list on(self, object side)
    cpdef object profit_half_tick_lots(self, object middle_half_ticks)
    @cython.locals(order=OwnOrder)
    cpdef void decide(self, object decision) except *
    @cython.locals(order=OwnOrder, kind=object)
    cpdef void report(self, object event) except *
    cpdef void amend(self, object event) except *
    cpdef object save(self)
    @cython.locals(order=OwnOrder)
    cpdef void load(self, object saved) except *
    cdef void _fill(self, object event) except *
    cdef void _count(self, object side, object price_ticks, object lots, object fee_units, bint is_fee) except *

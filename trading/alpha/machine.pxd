cimport cython

from trading.alpha.market cimport Market
from trading.alpha.orders cimport OwnOrder, OwnOrders


@cython.final
cdef class Machine:
    cdef readonly str name
    cdef readonly str symbol
    cdef readonly long long epoch
    cdef readonly str kind
    cdef readonly str parameters
    cdef readonly Market market
    cdef readonly OwnOrders orders
    cdef readonly long long last_number
    cdef readonly object untaken
    cdef readonly long long dropped
    cdef long long _begin_ns
    cdef object _strategy
    cdef object _state

    @cython.locals(sequence=cython.longlong)
    cpdef list step(self, object event)
    cpdef bytes snapshot(self)
    cpdef void restore(self, bytes data) except *
    cpdef str state_hash(self)
    cdef void _take(self, object event) except *
    cdef list _decide(self, object wanted)
    cdef object _place(self, object want)
    @cython.locals(order=OwnOrder)
    cdef object _cancel(self, object number)

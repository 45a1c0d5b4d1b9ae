cimport cython

from trading.alpha.market cimport Market
from trading.alpha.orders cimport OwnOrders

# Numbers that are divided are objects: C would round those below 0 the other way.


@cython.final
cdef class MomentumState:
    cdef readonly Market market
    cdef readonly OwnOrders orders
    cdef public long long sample_ns
    cdef public object samples
    cdef public object fast
    cdef public object slow


@cython.final
cdef class Momentum:
    cdef object sample_ns
    cdef object fast_samples
    cdef object slow_samples
    cdef object band
    cdef object position_lots
    cdef object order_lots
    cdef object slippage_ticks

    @cython.locals(market=Market, middle=object)
    cpdef tuple step(self, MomentumState state, object event)
    cpdef tuple save(self, MomentumState state)
    @cython.locals(state=MomentumState)
    cpdef object load(self, Market market, OwnOrders orders, tuple memory)
    cdef void _average(self, MomentumState state, object price) except *
    cdef object _target(self, object lead)

cimport cython

from trading.alpha.market cimport Market
from trading.alpha.orders cimport OwnOrders

# Numbers that are divided are objects: C would round those below 0 the other way.


@cython.final
cdef class MarketMakingState:
    cdef readonly Market market
    cdef readonly OwnOrders orders
    cdef public long long middle
    cdef public object sampled_middle
    cdef public long long sample_ns
    cdef public object variance
    cdef public long long resume_ns


@cython.final
cdef class MarketMaking:
    cdef object order_lots
    cdef object position_lots_max
    cdef object half_spread_ticks
    cdef object risk_ppm
    cdef object variance_min
    cdef object variance_samples
    cdef object requote_ticks
    cdef object pause_ns

    @cython.locals(market=Market, middle=cython.longlong)
    cpdef tuple step(self, MarketMakingState state, object event)
    cpdef tuple save(self, MarketMakingState state)
    @cython.locals(state=MarketMakingState)
    cpdef object load(self, Market market, OwnOrders orders, tuple memory)
    cdef void _sample(self, MarketMakingState state, object middle) except *
    @cython.locals(orders=OwnOrders)
    cdef list _quotes(self, MarketMakingState state, object middle)
    cdef tuple _prices(self, MarketMakingState state, object middle)

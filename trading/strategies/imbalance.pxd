cimport cython

from trading.alpha.market cimport BookSide, Market
from trading.alpha.orders cimport OwnOrders


@cython.final
cdef class ImbalanceState:
    cdef readonly Market market
    cdef readonly OwnOrders orders
    cdef public long long bid_ticks
    cdef public object bid_lots
    cdef public long long ask_ticks
    cdef public object ask_lots
    cdef public object flow_lots
    cdef public object depth_lots
    cdef public object updates
    cdef public long long end_ns


@cython.final
cdef class Imbalance:
    cdef object interval_ns
    cdef object threshold_milliticks
    cdef object position_lots
    cdef object slippage_ticks

    @cython.locals(market=Market)
    cpdef tuple step(self, ImbalanceState state, object event)
    cpdef tuple save(self, ImbalanceState state)
    @cython.locals(state=ImbalanceState)
    cpdef object load(self, Market market, OwnOrders orders, tuple memory)
    @cython.locals(
        bids=BookSide,
        asks=BookSide,
        bid_ticks=cython.longlong,
        ask_ticks=cython.longlong,
        bid_lots=object,
        ask_lots=object,
        flow=object,
    )
    cdef void _add(self, ImbalanceState state) except *
    cdef object _target(self, ImbalanceState state)
    @cython.locals(bids=BookSide, asks=BookSide)
    cdef void _restart(self, ImbalanceState state) except *

cimport cython

from matching.core.holds cimport Funds
from matching.core.ladder cimport Ladder, Level

cdef int BUY


@cython.final
cdef class OrderBook:
    cdef readonly long long instrument_id
    cdef readonly long long base_asset_id
    cdef readonly long long quote_asset_id
    cdef readonly long long lot_units
    cdef readonly long long tick_lot_units
    cdef readonly long long notional_units_min
    cdef public long long maker_fee_ppm
    cdef public long long taker_fee_ppm
    cdef readonly Funds base_fees
    cdef readonly Funds quote_fees
    cdef public int phase
    cdef public long long trade_count
    cdef readonly Ladder buys
    cdef readonly Ladder sells

    cpdef Ladder own(self, int side)
    cpdef Ladder opposite(self, int side)
    @cython.locals(best=Level)
    cpdef bint crosses(self, int side, long long limit_ticks) except -1
    @cython.locals(level=Level)
    cpdef bint can_fill(self, int side, long long limit_ticks, long long lots) except -1
    @cython.locals(level=Level, cost="long long", taken="long long", units_per_lot="long long")
    cpdef long long market_buy_units(self, long long lots, long long units_max) except *

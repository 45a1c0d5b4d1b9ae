cimport cython

from matching.core.holds cimport Account, Funds
from matching.core.ladder cimport Ladder
from matching.core.order cimport Level, Order
from matching.core.price_limits cimport band_ticks

cdef int BUY
cdef long long PRICE_MAX
cdef long long QUANTITY_MAX
cdef long long UNITS_MAX
cdef long long OPEN_ORDERS_MAX


@cython.final
cdef class OrderBook:
    cdef readonly long long instrument_id
    cdef readonly long long base_asset_id
    cdef readonly long long quote_asset_id
    cdef readonly long long lot_units
    cdef readonly long long tick_lot_units
    cdef readonly object limits
    cdef readonly bint has_increments
    cdef readonly long long price_increment_ticks
    cdef readonly long long quantity_increment_lots
    cdef readonly long long quantity_lots_min
    cdef readonly long long quantity_lots_max
    cdef readonly long long notional_units_min
    cdef readonly long long notional_units_max
    cdef readonly long long notional_tick_lots_max
    cdef readonly long long open_orders_max
    cdef readonly dict open_counts
    cdef readonly bint has_bands
    cdef readonly bint has_volatility_band
    cdef readonly long long reference_ticks
    cdef readonly long long lowest_limit_ticks
    cdef readonly long long highest_limit_ticks
    cdef readonly long long lowest_market_ticks
    cdef readonly long long highest_market_ticks
    cdef readonly long long lowest_calm_ticks
    cdef readonly long long highest_calm_ticks
    cdef public long long maker_fee_ppm
    cdef public long long taker_fee_ppm
    cdef readonly dict tier_fees
    cdef readonly Funds base_fees
    cdef readonly Funds quote_fees
    cdef public int phase
    cdef public long long auction_ends_ns
    cdef public long long uncross_ticks
    cdef public int uncross_phase
    cdef public long long indicative_ticks
    cdef public long long indicative_lots
    cdef public long long surplus_lots
    cdef public long long trade_count
    cdef public long long prevented_count
    cdef readonly dict amendments
    cdef readonly object triggers
    cdef public long long waiting_count
    cdef public long long last_trade_ticks
    cdef readonly Ladder buys
    cdef readonly Ladder sells

    cpdef void set_increments(
        self, long long price_increment_ticks, long long quantity_increment_lots
    ) noexcept
    @cython.locals(ladder=Ladder, level=Level, order=Order)
    cpdef void set_limits(self, limits) except *
    cpdef void set_reference(self, long long price_ticks) except *
    cpdef void set_bounds(self) except *
    @cython.locals(width="long long")
    cpdef tuple band(self, long long band_ppm)
    cpdef void count_open(self, Account account, long long change) except *
    @cython.locals(maximum="long long")
    cpdef bint has_too_many(self, Account account) except -1
    cpdef long long market_limit(self, int side) noexcept
    cpdef long long maker_ppm(self, Account account) except *
    cpdef long long taker_ppm(self, Account account) except *
    @cython.locals(best=Level, is_far=bint)
    cpdef long long calm_limit(self, int side, long long limit_ticks) except *
    cpdef Ladder own(self, int side)
    cpdef Ladder opposite(self, int side)
    @cython.locals(best=Level)
    cpdef bint crosses(self, int side, long long limit_ticks) except -1
    @cython.locals(level=Level)
    cpdef bint can_fill(self, int side, long long limit_ticks, long long lots) except -1
    @cython.locals(level=Level, cost="long long", taken="long long", units_per_lot="long long")
    cpdef long long market_buy_units(self, long long lots, long long limit_ticks, long long units_max) except *

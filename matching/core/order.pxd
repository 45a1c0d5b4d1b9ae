cimport cython

from matching.core.holds cimport Account, Funds

cdef int PREVENTS_NOTHING
cdef bint COMPILED
cdef Py_ssize_t SPARE_ORDERS_MAX


# Fields stand in the order of their use: of a neighbour in the queue only the first two are.
cdef class Resting:
    cdef public Resting older
    cdef public Resting newer
    cdef public Level level
    cdef public long long order_id
    cdef public long long leaves_lots
    cdef public Resting chained
    cdef public long long price_ticks


@cython.final
cdef class Order(Resting):
    cdef public Account account
    cdef public Funds spends
    cdef public long long hold_per_lot
    cdef public char side
    cdef public unsigned char flags
    cdef public char self_trade_prevention
    cdef public unsigned int name_row
    cdef public long long quantity_lots
    cdef public long long hidden_lots
    cdef public object trigger
    cdef public object order_list
    cdef public long long display_lots
    cdef public long long instrument_id
    # Up to here a cancel reads.
    cdef public Funds receives
    cdef public unsigned long long entered_by
    cdef public long long expire_time_ns
    cdef public long long budget_units


@cython.locals(order=Order)
cpdef Order new_order(
    long long order_id,
    Account account,
    long long instrument_id,
    int side,
    long long price_ticks,
    long long quantity_lots,
    int flags,
    long long expire_time_ns,
)

@cython.locals(order=Order)
cdef Order blank()

cpdef void begin(
    Order order,
    long long order_id,
    Account account,
    long long instrument_id,
    int side,
    long long price_ticks,
    long long quantity_lots,
    int flags,
    long long expire_time_ns,
) noexcept


@cython.final
cdef class SpareOrders:
    cdef list orders

    cdef Order take(self)
    @cython.locals(is_plain=bint)
    cdef int keep(self, Order order) except -1


@cython.final
cdef class Level:
    cdef readonly long long price_ticks
    cdef public Resting newest
    cdef public long long lots
    cdef public Resting oldest
    cdef public Level chained

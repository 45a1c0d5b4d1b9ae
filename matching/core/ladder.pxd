cimport cython

from matching.core.holds cimport Account, Funds

cdef int PAGE_BITS
cdef int PAGE_LEVELS
cdef int SLOT_MASK
cdef unsigned long long FIRST_SLOT
cdef int PREVENTS_NOTHING


@cython.final
cdef class Order:
    cdef public long long order_id
    cdef public unsigned long long entered_by
    cdef public long long leaves_lots
    cdef public Level level
    cdef public Order older
    cdef public Order newer
    cdef public Order chained
    cdef public long long price_ticks
    cdef public long long quantity_lots
    cdef public long long hidden_lots
    cdef public Account account
    cdef public long long instrument_id
    cdef public char side
    cdef public unsigned char flags
    cdef public char self_trade_prevention
    cdef public unsigned int name_row
    cdef public long long expire_time_ns
    cdef public Funds spends
    cdef public Funds receives
    cdef public long long hold_per_lot
    cdef public long long budget_units
    cdef public long long display_lots
    cdef public object trigger
    cdef public object order_list


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


@cython.final
cdef class Level:
    cdef readonly long long price_ticks
    cdef public long long lots
    cdef public Order oldest
    cdef public Order newest


@cython.final
cdef class Page:
    cdef readonly long long number
    cdef readonly unsigned long long occupied
    cdef readonly list levels

    cdef Level level_at_or_below(self, int slot)


@cython.final
cdef class Ladder:
    cdef readonly long long sign
    cdef readonly list pages
    cdef readonly Level best

    @cython.locals(key="long long", at=Py_ssize_t, page=Page, slot=int)
    cpdef Level level_at(self, long long price_ticks)
    @cython.locals(level=Level)
    cdef long long look_at(self, long long price_ticks) noexcept
    @cython.locals(
        key="long long",
        slot=int,
        page=Page,
        level=Level,
        last=Order,
    )
    cpdef int append(self, Order order) except -1
    @cython.locals(level=Level, older=Order, newer=Order)
    cpdef int remove(self, Order order) except -1
    @cython.locals(level=Level, newer=Order, last=Order)
    cpdef void requeue(self, Order order) except *
    @cython.locals(level=Level)
    cpdef void reduce(self, Order order, long long lots) noexcept
    @cython.locals(key="long long", at=Py_ssize_t, worse=Level, page=Page)
    cpdef Level next_worse(self, Level level)
    @cython.locals(key="long long", at=Py_ssize_t, page=Page)
    cpdef int vacate(self, Level level) except -1
    @cython.locals(at=Py_ssize_t, page=Page)
    cdef Page page(self, long long number)
    @cython.locals(page=Page, low="long long", high=Py_ssize_t, middle=Py_ssize_t)
    cdef Py_ssize_t page_index(self, long long number) except -1

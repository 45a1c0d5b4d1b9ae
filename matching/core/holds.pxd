cimport cython

from matching.core.client_order_ids cimport ClientOrderIds


@cython.final
cdef class Funds:
    cdef readonly long long asset_id
    cdef public long long available
    cdef public long long held

    cpdef void hold(self, long long units) noexcept
    cpdef void release(self, long long units) noexcept


cdef Funds NO_FUNDS


@cython.final
cdef class Account:
    cdef readonly long long account_id
    cdef readonly dict funds
    cdef readonly ClientOrderIds client_order_ids
    cdef public long long open_order_count
    cdef public int self_trade_prevention
    cdef readonly Funds base_funds
    cdef readonly Funds quote_funds
    cdef public long long fee_tier
    cdef public bint is_suspended

    @cython.locals(funds=Funds)
    cpdef Funds funds_in(self, long long asset_id)
    cdef int turn_to(self, long long base_asset_id, long long quote_asset_id) except -1

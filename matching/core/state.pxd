cimport cython

from matching.core.order_table cimport OrderTable


@cython.final
cdef class State:
    cdef public long long sequence
    cdef public long long timestamp_ns
    cdef readonly dict assets
    cdef readonly dict issued_units
    cdef readonly dict books
    cdef readonly dict symbols
    cdef readonly dict accounts
    cdef readonly OrderTable orders
    cdef readonly object expiries
    cdef readonly dict auctions

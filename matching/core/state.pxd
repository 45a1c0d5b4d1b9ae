cimport cython

from matching.core.holds cimport Account
from matching.core.name_rows cimport NameRows
from matching.core.order_book cimport OrderBook
from matching.core.order_table cimport OrderTable


@cython.final
cdef class State:
    cdef public long long sequence
    cdef public long long timestamp_ns
    cdef readonly dict assets
    cdef readonly dict issued_units
    cdef readonly dict books
    cdef readonly dict symbols
    cdef readonly dict tier_fees
    cdef readonly NameRows name_rows
    cdef readonly dict accounts
    cdef readonly OrderTable orders
    cdef readonly object expiries
    cdef readonly dict auctions
    cdef readonly list near_accounts
    cdef readonly list near_books

    @cython.locals(account=Account)
    cpdef Account account(self, Py_ssize_t account_id)
    @cython.locals(book=OrderBook)
    cpdef OrderBook book(self, Py_ssize_t instrument_id)

cimport cython

from matching.core.holds cimport Account
from matching.core.ladder cimport Order

cdef long long REMEMBERED_NS
cdef long long REMEMBERED_MAX
cdef unsigned long long CONTENT_MASK
cdef unsigned long long CONTENT_SEED
cdef unsigned long long CONTENT_FACTOR

@cython.locals(content="unsigned long long", at=Py_ssize_t)
cpdef unsigned long long content_of(
    const long long[::1] words, Py_ssize_t first, Py_ssize_t last
) except *

@cython.locals(order=Order)
cpdef Order find(Account account, bytes client_order_id, long long now_ns)

@cython.locals(newest=Order, oldest=Order)
cpdef object remember(Account account, Order order, long long now_ns)

cimport cython

from matching.core.client_order_ids cimport ClientOrderId
from matching.core.ladder cimport Order

cdef int BUCKETS_MIN


@cython.final
cdef class OrderTable:
    cdef readonly list buckets
    cdef readonly Py_ssize_t mask
    cdef readonly Py_ssize_t count
    cdef readonly long long looked_at

    @cython.locals(order=Order)
    cpdef Order find(self, long long order_id)
    @cython.locals(order=Order, last_closed=ClientOrderId, found="long long")
    cdef void look_at(self, long long order_id) noexcept
    @cython.locals(bucket=Py_ssize_t)
    cpdef int add(self, Order order) except -1
    @cython.locals(bucket=Py_ssize_t, before=Order)
    cpdef int remove(self, Order order) except -1
    @cython.locals(bucket=Py_ssize_t, order=Order, orders=list)
    cdef int grow(self) except -1

cimport cython

from matching.core cimport prefetch
from matching.core.order cimport Order

cdef int BUCKETS_MIN


@cython.final
cdef class OrderTable:
    cdef readonly list buckets
    cdef readonly Py_ssize_t mask
    cdef readonly Py_ssize_t count

    @cython.locals(order=Order)
    cpdef Order find(self, long long order_id)
    @cython.locals(order=Order)
    cdef void fetch(self, long long order_id, int step) noexcept
    @cython.locals(bucket=Py_ssize_t)
    cpdef int add(self, Order order) except -1
    @cython.locals(bucket=Py_ssize_t, before=Order)
    cpdef int remove(self, Order order) except -1
    @cython.locals(bucket=Py_ssize_t, order=Order, orders=list)
    cdef int grow(self) except -1

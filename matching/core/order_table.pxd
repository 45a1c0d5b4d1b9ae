cimport cython

from matching.core cimport prefetch
from matching.core.order cimport Resting

cdef int BUCKETS_MIN


@cython.final
cdef class OrderTable:
    cdef readonly list buckets
    cdef readonly Py_ssize_t mask
    cdef readonly Py_ssize_t count

    @cython.locals(order=Resting)
    cpdef Resting find(self, long long order_id)
    @cython.locals(order=Resting)
    cdef void fetch(self, long long order_id, int step) noexcept
    @cython.locals(bucket=Py_ssize_t)
    cpdef int add(self, Resting order) except -1
    @cython.locals(bucket=Py_ssize_t, before=Resting)
    cpdef int remove(self, Resting order) except -1
    @cython.locals(bucket=Py_ssize_t, order=Resting, orders=list)
    cdef int grow(self) except -1

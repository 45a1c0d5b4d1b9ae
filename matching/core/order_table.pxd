cimport cython

from matching.core.ladder cimport Order

cdef int BUCKETS_MIN


@cython.final
cdef class OrderTable:
    cdef readonly list buckets
    cdef readonly Py_ssize_t mask
    cdef readonly Py_ssize_t count

    @cython.locals(order=Order)
    cpdef Order find(self, long long order_id)
    cdef bint look_at_bucket(self, long long order_id) noexcept
    @cython.locals(order=Order, found="long long")
    cdef long long look_at(self, long long order_id) noexcept
    @cython.locals(order=Order)
    cdef long long look_at_owner(self, long long order_id) noexcept
    @cython.locals(bucket=Py_ssize_t)
    cpdef int add(self, Order order) except -1
    @cython.locals(bucket=Py_ssize_t, before=Order)
    cpdef int remove(self, Order order) except -1
    @cython.locals(bucket=Py_ssize_t, order=Order, orders=list)
    cdef int grow(self) except -1

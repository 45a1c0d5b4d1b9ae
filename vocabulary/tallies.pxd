cimport cython


@cython.final
cdef class Count:
    cdef readonly long long total

    cpdef void add(self, long long count) except *


@cython.final
cdef class Distribution:
    cdef object _kept_bounds
    cdef object _kept_counts
    cdef const double[::1] _bounds
    cdef long long[::1] _counts
    cdef Py_ssize_t _bounded
    cdef readonly double sum

    @cython.locals(bucket=Py_ssize_t)
    cpdef void add(self, double value) except *

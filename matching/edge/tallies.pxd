cimport cython


@cython.final
cdef class Count:
    cdef object _name
    cdef object _meaning
    cdef long long _total

    cpdef void add(self, long long count) except *


@cython.final
cdef class Distribution:
    cdef object _name
    cdef object _meaning
    cdef object _kept_bounds
    cdef object _kept_counts
    cdef const double[::1] _bounds
    cdef long long[::1] _counts
    cdef Py_ssize_t _bounded
    cdef double _sum

    @cython.locals(bucket=Py_ssize_t)
    cpdef void add(self, double value) except *

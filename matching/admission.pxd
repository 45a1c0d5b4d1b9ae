cdef class Admission:
    cdef object _failed
    cdef bint _clock_failed
    cdef public object short

    cpdef bint is_open(self) except -1

    cpdef bint takes_clock(self) except -1

    cpdef bint fits(self, Py_ssize_t size) except -1

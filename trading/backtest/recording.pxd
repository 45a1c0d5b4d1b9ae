cimport cython


@cython.final
cdef class Recording:
    cdef readonly str symbol
    cdef readonly dict told
    cdef readonly Py_ssize_t rows
    cdef const long long[::1] kind
    cdef const long long[::1] source_sequence
    cdef const long long[::1] exchange_ns
    cdef const long long[::1] received_ns
    cdef const long long[::1] trade_id
    cdef const long long[::1] begin
    cdef const long long[::1] middle
    cdef const long long[::1] end
    cdef const long long[::1] price_ticks
    cdef const long long[::1] lots

    cpdef void load(self, object columns) except *
    @cython.locals(kind="long long", at=Py_ssize_t, symbol=str)
    cpdef object event(self, Py_ssize_t row, long long stream_sequence)
    @cython.locals(at=Py_ssize_t)
    cdef tuple levels(self, Py_ssize_t begin, Py_ssize_t end)

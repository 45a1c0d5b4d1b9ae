cimport cython

cdef Py_ssize_t RECORD_BYTES_MIN
cdef Py_ssize_t CRC_MASK
cdef object crc32c

@cython.locals(
    words="const unsigned long long[::1]",
    at=Py_ssize_t,
    noted=Py_ssize_t,
    size=Py_ssize_t,
    next_sequence="long long",
)
cpdef object scan_segment(bytes data, long long first_sequence)

@cython.locals(
    words="const unsigned long long[::1]", at=Py_ssize_t, start=Py_ssize_t, size=Py_ssize_t
)
cpdef object whole_records(bytes data, long long next_sequence)

@cython.locals(size=Py_ssize_t, end=Py_ssize_t)
cdef Py_ssize_t whole_record(
    bytes data, const unsigned long long[::1] words, Py_ssize_t at, unsigned long long sequence
) except -1

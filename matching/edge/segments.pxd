cimport cython

from matching.core cimport packed

cdef Py_ssize_t INDEX_BYTES
cdef Py_ssize_t MARK_BYTES


@cython.final
cdef class Segment:
    cdef public object path
    cdef public long long first_sequence
    cdef public long long last_sequence
    cdef public Py_ssize_t size
    cdef public Py_ssize_t end
    cdef object _sequences
    cdef object _offsets
    cdef Py_ssize_t _noted

    @cython.locals(words="const long long*", at=Py_ssize_t, start=Py_ssize_t)
    cpdef void extend(self, bytes records) except *

    cdef object _note(self, long long sequence, Py_ssize_t offset)


cdef class Segments:
    cdef public object torn_tail
    cdef readonly Segment last
    cdef object _directory
    cdef object _archive
    cdef list _segments

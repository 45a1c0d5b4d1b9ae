cimport cython

from matching.edge.segments cimport Segment, Segments


cdef class Journal:
    cdef readonly str mode
    cdef readonly Segments segments
    cdef object _directory
    cdef Py_ssize_t _segment_bytes
    cdef int _lock
    cdef public bint _failed
    cdef int _file
    cdef bytes _staged
    cdef bytes _staged_data
    cdef object _filler
    cdef object _spare
    cdef bint _spare_is_made

    @cython.locals(segment=Segment, left=Py_ssize_t)
    cpdef object room(self, Py_ssize_t enough)

    cpdef void append(self, bytes records) except *

    @cython.locals(segment=Segment, data=bytes)
    cpdef void stage(self, bytes records) except *

    @cython.locals(segment=Segment)
    cpdef void settle_staged(self) except *

    @cython.locals(segment=Segment)
    cdef void _sync(self) except *

    @cython.locals(written=Py_ssize_t)
    cdef void _write(self, bytes data, Py_ssize_t offset) except *

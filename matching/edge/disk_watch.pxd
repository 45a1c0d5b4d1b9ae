cimport cython

from matching.admission cimport Admission
from matching.edge.journal cimport Journal


@cython.final
cdef class DiskWatch:
    cdef Journal _journal
    cdef Admission _admission
    cdef Py_ssize_t _kept_for_cancels
    cdef Py_ssize_t _kept_for_clock
    cdef tuple _told

    cpdef void look(self) except *

    cdef void _look(self, Py_ssize_t enough) except *

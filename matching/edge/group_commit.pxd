cimport cython

from matching.edge.journal cimport Journal
from matching.pipeline cimport Batch


@cython.final
cdef class Executed:
    cdef readonly Batch batch
    cdef readonly list questions
    cdef public long long last_sequence
    cdef public long long timestamp_ns
    cdef public long long taken_ns
    cdef public long long executed_ns


@cython.final
cdef class GroupCommit:
    cdef Journal _journal
    cdef object _on_durable
    cdef object _on_room
    cdef object _on_failure
    cdef object _loop
    cdef object _thread
    cdef Executed _syncing
    cdef object _sync
    cdef Executed _waiting
    cdef bint _overlaps
    cdef bint _has_failed

    cpdef bint takes_another(self) except -1

    @cython.locals(records=bytes)
    cpdef void add(self, Executed executed) except *

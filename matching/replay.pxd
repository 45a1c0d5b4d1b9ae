cimport cython

from matching.sequencer cimport Sequencer

cdef int RECORD_WORDS
cdef int KINDS_MAX
cdef int KIND_MASK


@cython.final
cdef class Replay:
    cdef object _engine
    cdef Sequencer _sequencer
    cdef object _counts
    cdef long long[::1] _kinds

    @cython.locals(words="const unsigned long long[::1]", at=Py_ssize_t, last=Py_ssize_t, end=Py_ssize_t)
    cpdef void apply(self, bytes records) except *

    @cython.locals(
        sequence="long long",
        timestamp_ns="long long",
        start=Py_ssize_t,
        events_start=Py_ssize_t,
        command=bytes,
        events=bytes,
        made=bytes,
    )
    cdef void _apply(
        self, bytes records, const unsigned long long[::1] words, Py_ssize_t at, Py_ssize_t end
    ) except *

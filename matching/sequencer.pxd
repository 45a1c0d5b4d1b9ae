cimport cython


@cython.final
cdef class _Recent:
    cdef readonly object numbers
    cdef readonly object sequences

    cdef void add(self, long long number, long long sequence) except *
    cpdef object find(self, long long number)


@cython.final
cdef class Sequencer:
    cdef public long long last_sequence
    cdef public long long last_timestamp_ns
    cdef readonly dict _last_numbers
    cdef readonly dict _recent

    cpdef object find(self, object session_id, long long number)
    @cython.locals(recent=_Recent)
    cpdef long long take(self, object session_id, long long number) except *
    cpdef void restore(
        self, long long sequence, long long timestamp_ns, object session_id, long long number
    ) except *
    cdef _Recent _remember(self, object session_id)

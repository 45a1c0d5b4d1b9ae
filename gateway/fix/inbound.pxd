cimport cython

from gateway.fix.codec cimport FixMessage
from gateway.fix.store cimport SessionStore


@cython.final
cdef class Inbound:
    cdef readonly long long next_expected
    cdef SessionStore _store
    cdef long long _untaken_from
    cdef long long _untaken_until
    cdef object _untaken_later
    cdef dict _early
    cdef Py_ssize_t _early_messages_max
    cdef long long _missing_until

    cpdef void hand_up(self, long long msg_seq_num) except *

    cpdef void advance(self, long long next_expected) except *

    cpdef void taken(self, long long msg_seq_num) except *

    cdef void _go_on_behind_gap(self, long long taken) except *

    cpdef void keep_early(self, long long msg_seq_num, FixMessage message) except *

    cpdef tuple take_early(self)

    cpdef void miss_until(self, long long msg_seq_num) except *

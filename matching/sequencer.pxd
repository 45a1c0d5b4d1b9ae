cimport cython

from matching cimport command_check
from matching.core cimport packed

cdef unsigned long long SESSION_MASK


@cython.final
cdef class Session:
    cdef readonly unsigned long long session_id
    cdef readonly long long last_number
    cdef Py_ssize_t count
    cdef Py_ssize_t _room
    cdef object _kept_numbers
    cdef object _kept_sequences
    cdef long long[::1] _numbers
    cdef long long[::1] _sequences

    cdef void add(self, long long number, long long sequence) except *
    cpdef object find(self, long long number)
    cpdef tuple row(self)
    cdef object _make_room(self)
    cdef object _grow(self, object numbers, object sequences, Py_ssize_t room)


@cython.final
cdef class Sequencer:
    cdef public long long last_sequence
    cdef public long long last_timestamp_ns
    cdef readonly dict _last_numbers
    cdef readonly dict _sessions

    @cython.locals(session=Session)
    cpdef long long last_number(self, object session_id) except *

    @cython.locals(session=Session)
    cpdef object find(self, object session_id, long long number)

    @cython.locals(session=Session)
    cpdef long long take(self, object session_id, long long number) except *

    @cython.locals(
        words="const long long*",
        at=Py_ssize_t,
        end=Py_ssize_t,
        session=Session,
        session_id="unsigned long long",
        number="long long",
    )
    cpdef Py_ssize_t take_orders(self, bytes commands, Py_ssize_t start) except -1

    cpdef void restore(
        self, long long sequence, long long timestamp_ns, object session_id, long long number
    ) except *

    @cython.locals(session=Session, idle=Session)
    cdef Session _remember(self, object session_id)

cimport cython

from matching.core cimport packed
from vocabulary.codec cimport Record

cdef Py_ssize_t _NUMBER


@cython.final
cdef class SentCommands:
    cdef readonly Py_ssize_t count
    cdef Py_ssize_t _first
    cdef Py_ssize_t _end
    cdef Py_ssize_t _mask
    cdef long long[::1] _numbers
    cdef list _commands

    cpdef void add(self, long long number, bytes command) except *

    @cython.locals(place=Py_ssize_t)
    cpdef bint take(self, long long number) except -1

    cpdef bint has(self, long long number) except -1

    @cython.locals(place=Py_ssize_t)
    cdef Py_ssize_t _place(self, long long number) except -2

    @cython.locals(place=Py_ssize_t)
    cdef void _add_late(self, long long number, bytes command) except *

    cdef void _grow(self) except *


@cython.final
cdef class Unanswered:
    cdef readonly Py_ssize_t count
    cdef dict _sessions

    @cython.locals(sent=SentCommands, before=Py_ssize_t)
    cpdef void add(self, unsigned long long session_id, long long number, bytes command) except *

    @cython.locals(command=bytes, number="long long", first_number="long long")
    cpdef long long add_all(self, unsigned long long session_id, list commands) except *

    @cython.locals(sent=SentCommands)
    cpdef bint take(self, unsigned long long session_id, long long number) except -1

    @cython.locals(record=Record)
    cpdef void take_answered(self, list records) except *

    @cython.locals(sent=SentCommands)
    cpdef bint has(self, unsigned long long session_id, long long number) except -1

cimport cython

from gateway.fix cimport octets
from gateway.fix.timestamps cimport format_utc_timestamp

cdef int _ROOM
cdef int _HEAD_ROOM
cdef int _NUMBER_ROOM
cdef list _TRAILERS
cdef const long long[::1] _POWERS
cdef bytes _BEGIN
cdef long long _MILLISECOND_NS
cdef int _SOH
cdef int _ZERO
cdef int _MINUS
cdef int _POINT


@cython.final
cdef class MessageBuffer:
    cdef unsigned char[::1] _octets
    cdef Py_ssize_t _room
    cdef Py_ssize_t _end
    cdef long long _time_ms
    cdef bytes _time

    cpdef int start(self) except -1

    cpdef int put(self, bytes data) except -1

    cpdef int text(self, bytes tag, bytes value) except -1

    cpdef int number(self, bytes tag, long long value) except -1

    cpdef int decimal(self, bytes tag, long long mantissa, int scale) except -1

    @cython.locals(time_ms="long long")
    cpdef int time(self, bytes tag, long long time_ns) except -1

    cpdef int digits(self, long long value) except -1

    cpdef bytes fields(self)

    @cython.locals(start=Py_ssize_t, total="unsigned int", index=Py_ssize_t)
    cpdef bytes message(self)

    @cython.locals(place=Py_ssize_t, start=Py_ssize_t)
    cdef Py_ssize_t _put_head(self, Py_ssize_t body_length) except -1

    @cython.locals(count=int, rest="long long", place=Py_ssize_t, index=int)
    cdef int _digits(self, long long value, int scale) except -1

    cdef int _end_field(self) except -1

    cdef int _reserve(self, Py_ssize_t size) except -1

cimport cython

from gateway.fix cimport octets
from gateway.fix.timestamps cimport format_utc_timestamp

cdef size_t _ROOM
cdef size_t _HEAD_ROOM
cdef size_t _NUMBER_ROOM
cdef list _TRAILERS
cdef int _DIGITS_MAX
cdef const long long[::1] _POWERS
cdef bytes _BEGIN
cdef long long _MILLISECOND_NS
cdef int _SOH
cdef int _ZERO
cdef int _MINUS
cdef int _POINT


# Places are unsigned, since Cython takes one below 0 to count from the end, and looks whether it is.
@cython.final
cdef class MessageBuffer:
    cdef unsigned char[::1] _octets
    cdef size_t _room
    cdef size_t _end
    cdef long long _time_ms
    cdef bytes _time

    cpdef int start(self) except -1

    @cython.locals(end=size_t)
    cpdef int put(self, bytes data) except -1

    @cython.locals(value_at=size_t, end=size_t)
    cpdef int text(self, bytes tag, bytes value) except -1

    cpdef int number(self, bytes tag, long long value) except -1

    cpdef int decimal(self, bytes tag, long long mantissa, int scale) except -1

    @cython.locals(time_ms="long long")
    cpdef int time(self, bytes tag, long long time_ns) except -1

    cpdef int digits(self, long long value) except -1

    cpdef bytes fields(self)

    @cython.locals(start=size_t, body_length=size_t)
    cpdef bytes message(self, bytes head, long long number, bytes rest_of_head)

    @cython.locals(count=int)
    cdef size_t _put_in_front(self, size_t at, bytes tag, unsigned long long value) noexcept

    @cython.locals(count=int, whole="unsigned long long")
    cdef int _put_decimal(self, long long value, int scale) except -1

    @cython.locals(end=size_t, pair="unsigned int")
    cdef void _put_digits(self, size_t at, int count, unsigned long long value) noexcept

    cdef int _grow(self, size_t size) except -1


@cython.locals(count=int)
cdef int _digits_of(unsigned long long value) noexcept

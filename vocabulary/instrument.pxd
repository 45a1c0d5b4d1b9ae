cimport cython

cdef int _SHORT_DIGITS
cdef object _SHORT_MAX
cdef const long long[::1] _POWERS
cdef long long _INT64_MAX
cdef int _ZERO
cdef int _POINT

cpdef str increments_text(object increment, long long count)

cpdef str decimal_text(object mantissa, int scale)

@cython.locals(power="long long", whole="long long", places=str)
cdef str _short_decimal_text(long long mantissa, int scale)

@cython.locals(octets=bytes, scaled="long long")
cpdef object _scaled(str text, int scale)

@cython.locals(
    number="long long",
    point_at=Py_ssize_t,
    at=Py_ssize_t,
    digit=int,
    places=Py_ssize_t,
    power="long long",
)
cdef long long scaled_at(
    const unsigned char* octets, Py_ssize_t start, Py_ssize_t stop, int scale
) noexcept

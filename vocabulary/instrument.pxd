cimport cython

cdef int _SHORT_DIGITS
cdef object _SHORT_MAX
cdef const long long[::1] _POWERS
cdef long long _INT64_MAX

cpdef str increments_text(object increment, long long count)

cpdef str decimal_text(object mantissa, int scale)

@cython.locals(power="long long", whole="long long", places=str)
cdef str _short_decimal_text(long long mantissa, int scale)

@cython.locals(scaled="long long")
cpdef object _scaled(str text, int scale)

@cython.locals(
    number="long long",
    digits=int,
    point_at=int,
    character=Py_UCS4,
    places=int,
    power="long long",
)
cdef long long _scaled_short(str text, int scale) except *

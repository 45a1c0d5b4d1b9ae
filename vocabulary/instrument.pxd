cimport cython

cdef int _SHORT_DIGITS
cdef object _SHORT_MAX
cdef const long long[::1] _POWERS
cdef long long _INT64_MAX
cdef int _ZERO
cdef int _POINT


@cython.final
cdef class Units:
    cdef readonly long long instrument_id
    cdef readonly bytes symbol
    cdef readonly bytes base_name
    cdef readonly int base_scale
    cdef readonly bytes quote_name
    cdef readonly int quote_scale
    cdef readonly long long tick_lot_units
    cdef readonly long long tick_mantissa
    cdef readonly int tick_scale
    cdef readonly long long ticks_max
    cdef readonly long long lot_mantissa
    cdef readonly int lot_scale
    cdef readonly long long lots_max


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

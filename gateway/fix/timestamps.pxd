cimport cython

cdef long long _SECOND_NS
cdef long long _DAY_S
cdef long long _TIME_NS_MAX
cdef long long _DAYS_MAX
cdef int _DATE_LENGTH
cdef int _TIME_LENGTH
cdef int _TO_SECONDS
cdef const int[::1] _DAYS_BEFORE_MONTH
cdef int _ZERO
cdef int _COLON
cdef int _DASH
cdef int _POINT

cpdef bytes format_utc_timestamp(long long time_ns, int digits=*)

@cython.locals(seconds="long long", milliseconds=int)
cpdef str utc_timestamp_text(long long time_ns)

cpdef long long parse_utc_timestamp(bytes text) except *

cpdef long long parse_utc_date(bytes text) except *

@cython.locals(
    clock_at=Py_ssize_t,
    point_at=Py_ssize_t,
    days="long long",
    second="long long",
    rest_ns="long long",
)
cdef long long read_utc_timestamp(
    const unsigned char* octets, Py_ssize_t start, Py_ssize_t stop
) noexcept

@cython.locals(count=Py_ssize_t, rest_ns="long long")
cdef long long _read_decimals(
    const unsigned char* octets, Py_ssize_t point_at, Py_ssize_t stop
) noexcept

@cython.locals(year=int, month=int, day=int)
cdef long long read_utc_date(
    const unsigned char* octets, Py_ssize_t start, Py_ssize_t stop
) noexcept

@cython.locals(hour=int, minute=int, second=int)
cdef long long read_utc_time(
    const unsigned char* octets, Py_ssize_t start, Py_ssize_t stop
) noexcept

@cython.locals(number="long long", digit=int, index=Py_ssize_t)
cdef long long _digits(
    const unsigned char* octets, Py_ssize_t start, Py_ssize_t stop
) noexcept

cdef bint _is_leap(int year) noexcept

@cython.locals(days=int)
cdef int _month_days(int year, int month) noexcept

@cython.locals(before=int, leap_days=int, leap_day=int)
cdef int _days_before(int year, int month) noexcept

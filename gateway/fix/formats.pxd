cimport cython

from gateway.fix cimport timestamps

cdef int _NUMBER_DIGITS_MAX
cdef int _ZERO
cdef int _MINUS
cdef int _POINT
cdef int _YES
cdef int _NO
cdef int _WEEK
cdef int _YEAR_AND_MONTH
cdef int _DECIMAL
cdef int _COUNT
cdef int _INT
cdef int _CHAR
cdef int _BOOLEAN
cdef int _UTC_TIMESTAMP
cdef int _UTC_TIME
cdef int _DATE
cdef int _MONTH_YEAR
cdef int _DAY_OF_MONTH

cpdef bint has_form(
    int form, const unsigned char* octets, Py_ssize_t start, Py_ssize_t stop
) except -1

cdef Py_ssize_t _digits_end(
    const unsigned char* octets, Py_ssize_t start, Py_ssize_t stop
) noexcept

cdef Py_ssize_t _behind_minus(
    const unsigned char* octets, Py_ssize_t start, Py_ssize_t stop
) noexcept

cdef bint _is_count(const unsigned char* octets, Py_ssize_t start, Py_ssize_t stop) noexcept

@cython.locals(point_at=Py_ssize_t)
cdef bint _is_decimal(const unsigned char* octets, Py_ssize_t start, Py_ssize_t stop) noexcept

@cython.locals(point_at=Py_ssize_t)
cdef bint _is_utc_time(const unsigned char* octets, Py_ssize_t start, Py_ssize_t stop) noexcept

@cython.locals(month_stop=Py_ssize_t, is_week=bint, first_day=bytes)
cdef bint _is_month_year(
    const unsigned char* octets, Py_ssize_t start, Py_ssize_t stop
) except -1

@cython.locals(day="long long")
cdef bint _is_day_of_month(
    const unsigned char* octets, Py_ssize_t start, Py_ssize_t stop
) except -1

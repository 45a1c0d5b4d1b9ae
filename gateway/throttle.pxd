cimport cython


@cython.final
cdef class TokenBucket:
    cdef readonly long long rate_per_s
    cdef readonly long long burst
    cdef long long _interval_ns
    cdef long long _burst_ns
    cdef long long _full_at_ns

    @cython.locals(full_at_ns="long long", wait_ns="long long")
    cpdef long long take(self, long long now_ns, long long count=*) except *

    @cython.locals(missing_ns="long long")
    cpdef long long used(self, long long now_ns) except *


@cython.final
cdef class Throttle:
    cdef readonly TokenBucket cancels
    cdef readonly TokenBucket orders

    cpdef object take_order(self, long long now_ns)

    cpdef object take_orders(self, long long now_ns, long long count)

    cpdef object take_cancel(self, long long now_ns)


@cython.locals(wait_ns="long long")
cdef void _take(TokenBucket bucket, long long now_ns, long long count, str what) except *

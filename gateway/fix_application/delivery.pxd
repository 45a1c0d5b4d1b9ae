cimport cython

from gateway.fix.session cimport Session
from gateway.fix_application.reports cimport message_of
from gateway.orders cimport Report

cdef int _REPORT_SHIFT

cpdef long long watermark_of(long long sequence, long long report_index) except *

cpdef object deliver_message(
    bytes msg_type,
    bytes body,
    long long watermark,
    Session session,
    object store,
    object identity,
    object settings,
    long long now_ns,
)

@cython.locals(watermark="long long", msg_type=bytes, body=bytes)
cpdef object deliver(
    Report report,
    Session session,
    object store,
    object identity,
    object settings,
    object catalogue,
    long long now_ns,
    bytes more=*,
)

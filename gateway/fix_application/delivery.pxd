cimport cython

from gateway.fix.message_buffer cimport MessageBuffer
from gateway.fix.session cimport Session
from gateway.fix.store cimport SessionStore
from gateway.fix_application.reports cimport put_message
from gateway.orders cimport Report

cdef int _REPORT_SHIFT
cdef MessageBuffer _OUT

cpdef long long watermark_of(long long sequence, long long report_index) except *

cpdef object deliver_message(
    bytes msg_type,
    bytes body,
    long long watermark,
    Session session,
    SessionStore store,
    object identity,
    object settings,
    long long now_ns,
)

@cython.locals(watermark="long long", out=MessageBuffer, msg_type=bytes)
cpdef object deliver(
    Report report,
    Session session,
    SessionStore store,
    object identity,
    object settings,
    object catalogue,
    long long now_ns,
    bytes more=*,
)

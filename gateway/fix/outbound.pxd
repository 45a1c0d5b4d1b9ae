cimport cython

from gateway.fix.codec cimport encode
from gateway.fix.message_buffer cimport MessageBuffer
from gateway.fix.store cimport SessionStore
from gateway.fix.timestamps cimport format_utc_timestamp

cdef MessageBuffer _OUT


@cython.final
cdef class Outbound:
    cdef public long long now_ns
    cdef readonly long long last_sent_ns
    cdef readonly SessionStore store
    cdef bytes _identity
    cdef Py_ssize_t _resend_chunk_bytes
    cdef dict _heads
    cdef long long _time_ns
    cdef bytes _time_field
    cdef list _out
    cdef object _resend
    cdef object _next_resend
    cdef list _behind_resend

    cpdef long long send(
        self, bytes msg_type, bytes body, long long now_ns, bint is_kept, long long watermark=*
    ) except *

    @cython.locals(head=bytes, number="long long", message=bytes)
    cpdef long long send_put(
        self,
        bytes msg_type,
        MessageBuffer out,
        long long now_ns,
        bint is_kept,
        long long watermark,
    ) except *

    cpdef bytes data_to_send(self)

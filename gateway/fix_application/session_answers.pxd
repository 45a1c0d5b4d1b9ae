from gateway.fix.session cimport Session
from gateway.fix.store cimport SessionStore
from gateway.fix_application.delivery cimport deliver
from gateway.orders cimport Report
from gateway.throttle cimport Throttle

cdef long long _EPOCH_SHIFT


cdef class SessionAnswers:
    cdef readonly object identity
    cdef readonly object session_id
    cdef readonly SessionStore store
    cdef readonly Session session
    cdef object _flush
    cdef object _settings
    cdef object _orders
    cdef Throttle _throttle
    cdef object _on_refused
    cdef object _told_in_slices

    cdef long long _number(self, long long msg_seq_num) except *

    cpdef object deliver(self, Report report, long long now_ns)

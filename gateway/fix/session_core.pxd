cimport cython

from gateway.fix.codec cimport FixMessage
from gateway.fix.dictionary cimport Dictionary
from gateway.fix.inbound cimport Inbound
from gateway.fix.message_buffer cimport MessageBuffer
from gateway.fix.outbound cimport Outbound


cdef class SessionCore:
    cdef readonly object state
    cdef object _settings
    cdef Dictionary _dictionary
    cdef list _events
    cdef bytes _peer
    cdef bytes _own_comp_id
    cdef long long _tolerance_ns
    cdef long long _state_since_ns
    cdef bint _has_lasting_store
    cdef Outbound _outbound
    cdef Inbound _inbound

    cpdef list events_received(self)

    cpdef bytes data_to_send(self)

    cpdef long long send_application(
        self, bytes msg_type, bytes body, long long now_ns, long long watermark=*
    ) except *

    cpdef long long send_put(
        self, bytes msg_type, MessageBuffer out, long long now_ns, long long watermark
    ) except *

    cpdef object taken(self, long long msg_seq_num)

cdef class SessionStore:
    cdef readonly long long next_sender_msg_seq_num
    cdef readonly long long next_target_msg_seq_num
    cdef readonly long long creation_time_ns
    cdef readonly long long epoch
    cdef readonly long long watermark
    cdef long long _used_epoch
    cdef readonly bint is_held

    cpdef object append(self, long long msg_seq_num, bytes message, long long watermark=*)

    cpdef object set_next_sender(self, long long msg_seq_num)

    cpdef object set_next_target(self, long long msg_seq_num)

    cdef void _count(self, long long msg_seq_num, long long watermark) noexcept


cdef class MemoryStore(SessionStore):
    cdef dict _messages

    cpdef object append(self, long long msg_seq_num, bytes message, long long watermark=*)


cdef class LiveStore(SessionStore):
    cpdef object append(self, long long msg_seq_num, bytes message, long long watermark=*)

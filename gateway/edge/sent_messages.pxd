cimport cython

cdef Py_ssize_t _RECORD_BYTES
cdef Py_ssize_t _INDEX_EVERY
cdef Py_ssize_t _MESSAGE_BYTES_MAX


@cython.final
cdef class SentMessages:
    cdef object _path
    cdef public int _file
    cdef long long _end
    cdef readonly long long next_sender_msg_seq_num
    cdef readonly long long next_target_msg_seq_num
    cdef readonly long long creation_time_ns
    cdef readonly long long epoch
    cdef readonly long long watermark
    cdef long long _used_epoch
    cdef list _pending
    cdef long long _recorded_sender
    cdef long long _recorded_target
    cdef Py_ssize_t _messages_count
    cdef object _index_numbers
    cdef object _index_offsets

    cpdef object append(self, long long msg_seq_num, bytes message, long long watermark=*)

    cpdef object set_next_sender(self, long long msg_seq_num)

    cpdef object set_next_target(self, long long msg_seq_num)

    @cython.locals(sender="long long", target="long long")
    cpdef object flush(self)

    cdef void _note(self, long long number, long long watermark, long long offset) except *

    @cython.locals(head=bytes)
    cdef void _add(self, long long first, long long second, bytes message) except *

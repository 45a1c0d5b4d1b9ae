cimport cython

from gateway.fix.store cimport SessionStore

cdef Py_ssize_t _RECORD_BYTES
cdef Py_ssize_t _INDEX_EVERY
cdef Py_ssize_t _MESSAGE_BYTES_MAX


cdef class SentMessages(SessionStore):
    cdef object _path
    cdef public int _file
    cdef long long _end
    cdef list _pending
    cdef long long _recorded_sender
    cdef long long _recorded_target
    cdef Py_ssize_t _messages_count
    cdef object _index_numbers
    cdef object _index_offsets

    cpdef object append(self, long long msg_seq_num, bytes message, long long watermark=*)

    cdef void _note(self, long long number, long long watermark, long long offset) except *

    @cython.locals(head=bytes)
    cdef void _add(self, long long first, long long second, bytes message) except *

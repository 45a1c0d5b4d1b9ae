cimport cython

from gateway.fix cimport octets
from gateway.fix.store cimport SessionStore

cdef size_t _ROOM
cdef size_t _ROOM_KEPT
cdef size_t _REST_AT
cdef size_t _WRITE_HEAD_BYTES
cdef size_t _MESSAGE_HEAD_BYTES
cdef Py_ssize_t _INDEX_EVERY


cdef class SentMessages(SessionStore):
    cdef object _path
    cdef public int _file
    cdef bint _is_shared
    cdef list _deferred
    cdef long long _end
    cdef unsigned char[::1] _pending
    cdef size_t _room
    cdef size_t _pending_end
    cdef long long _recorded_sender
    cdef long long _recorded_target
    cdef Py_ssize_t _messages_count
    cdef object _index_numbers
    cdef object _index_offsets

    @cython.locals(at=size_t, end=size_t)
    cpdef object append(self, long long msg_seq_num, bytes message, long long watermark=*)

    cdef void _note(self, long long number, long long watermark, long long offset) except *

    cdef int _grow(self, size_t size) except -1

cimport cython

from matching.link cimport FrameDecoder

cdef Py_ssize_t UNREAD_BYTES_MAX
cdef object _HELLO
cdef object _COMMANDS


@cython.final
cdef class Connection:
    cdef object _hub
    cdef FrameDecoder _decoder
    cdef object _transport
    cdef Py_ssize_t _unread_bytes
    cdef object _farewell
    cdef Py_ssize_t _gathered_bytes
    cdef object _gathering
    cdef readonly str name
    cdef public double patience_s
    cdef public object next_sequence
    cdef public bint is_live
    cdef readonly bint is_writable
    cdef readonly list outgoing

    @cython.locals(payload=bytes)
    cpdef object data_received(self, bytes data)

    @cython.locals(before=Py_ssize_t)
    cpdef void read(self, Py_ssize_t size) except *

    cpdef bint gather(self, bytes frames) except -1

    @cython.locals(data=bytes, waiting=Py_ssize_t)
    cpdef object flush(self)

    @cython.locals(before=Py_ssize_t)
    cdef void _receive(self, object kind, bytes payload) except *

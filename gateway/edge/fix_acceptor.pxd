cimport cython

from gateway.fix.session cimport Session
from vocabulary.tallies cimport Count

cdef object _CLOSED


@cython.final
cdef class Connection:
    cdef readonly Session session
    cdef readonly object ended
    cdef object _acceptor
    cdef object _traces
    cdef Count _messages_received
    cdef Count _bytes_sent
    cdef object _flow
    cdef readonly object _transport
    cdef object _logon
    cdef object _authentication
    cdef object _telling
    cdef bint _is_writing_paused
    cdef bint _is_reading_paused
    cdef object _close_by_s
    cdef object _log

    @cython.locals(now_ns="long long")
    cpdef object data_received(self, bytes data)

    @cython.locals(data=bytes)
    cpdef object flush(self)

    @cython.locals(events=list, requests=list)
    cdef object _handle_events(self, long long now_ns)

    cdef object _hand_over(self, list requests, object flow, long long now_ns)

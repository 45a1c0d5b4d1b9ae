cimport cython

from gateway.fix.codec cimport Decoder, FixMessage
from gateway.fix.logged_on cimport LoggedOnSession


@cython.final
cdef class Session(LoggedOnSession):
    cdef Decoder _decoder
    cdef bint _is_initiator
    cdef FixMessage _logon
    cdef list _backlog
    cdef Py_ssize_t _backlog_bytes
    cdef long long _heartbeat_interval_ns
    cdef long long _last_received_ns
    cdef bint _is_test_request_open

    @cython.locals(messages=list, message=FixMessage)
    cpdef object receive_data(self, bytes data, long long now_ns)

    cpdef object _receive(self, FixMessage message, long long now_ns)

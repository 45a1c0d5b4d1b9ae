cimport cython

from gateway.fix.codec cimport FixMessage
from gateway.fix.session_core cimport SessionCore
from gateway.fix cimport timestamps
from gateway.fix.timestamps cimport parse_utc_timestamp

cdef int _SENDING_TIME
cdef int _POSS_DUP_FLAG
cdef int _SENDER_COMP_ID
cdef int _TARGET_COMP_ID
cdef bytes _VERSION
cdef bytes _SEQUENCE_RESET
cdef frozenset _ADMINISTRATIVE


cdef class LoggedOnSession(SessionCore):
    cdef long long _asked_from

    @cython.locals(number="long long", expected="long long")
    cpdef object _receive_in_session(self, FixMessage message, long long now_ns)

    cdef bint _is_misaddressed(self, FixMessage message, long long now_ns) except -1

    @cython.locals(index=Py_ssize_t, time_ns="long long")
    cdef long long _off_ns(self, FixMessage message, long long now_ns) except *

    cdef void _process(self, FixMessage message, long long now_ns) except *


cdef bint _is_reset_mode(FixMessage message) except -1

cimport cython

from matching.edge.link_client cimport LinkClient
from matching.link cimport pack_commands
from matching.unanswered cimport Unanswered
from vocabulary.codec cimport Record
from vocabulary.tallies cimport Distribution

cdef Py_ssize_t UNANSWERED_COMMANDS_MAX


cdef class MatchingClient(LinkClient):
    cdef object _on_repeated
    cdef object _on_refused
    cdef object _on_submitted
    cdef Unanswered _unanswered
    cdef list _outgoing
    cdef unsigned long long _timed_session
    cdef long long _timed_number
    cdef double _timed_s
    cdef Distribution _round_trip

    @cython.locals(first_number="long long")
    cpdef object submit_packed(self, unsigned long long session_id, list commands)

    cdef void _check_room(self, Py_ssize_t commands) except *

    cdef void _time(self, unsigned long long session_id, long long session_number) except *

    cpdef object connection_lost(self)

    cpdef object _flush(self)

    cdef object _welcomed(self)

    @cython.locals(unanswered=Unanswered, number="long long")
    cdef object _handed_over(self, list records)

    cdef object _answered(self, object kind, bytes payload)

    cdef bint _waits_for(self, Record record) except -1

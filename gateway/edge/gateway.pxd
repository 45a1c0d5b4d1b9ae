cimport cython

from gateway.edge.fix_door cimport FixDoor
from gateway.edge.json_door cimport JsonDoor
from gateway.order_tracker cimport Orders
from matching.client cimport MatchingClient
from vocabulary.codec cimport Record
from vocabulary.tallies cimport Distribution

cdef Distribution _RECORD_AGE_SECONDS
cdef Distribution _REPORT_SECONDS


cdef class Gateway:
    cdef readonly object catalogue
    cdef readonly Orders orders
    cdef readonly object order_entry
    cdef readonly object credentials
    cdef readonly MatchingClient matching
    cdef readonly object feed
    cdef readonly JsonDoor json
    cdef readonly FixDoor fix
    cdef object _traces
    cdef object _on_failure
    cdef object _caught_up
    cdef bint _is_caught_up
    cdef bint _is_ready

    @cython.locals(
        record=Record, reports=list, is_open=bint, now_ns="long long", age_ns="long long"
    )
    cdef object _carry_out(self, list records)

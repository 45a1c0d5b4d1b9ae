from gateway.edge.fix_sessions cimport FixSessions
from gateway.fix_application.report_routes cimport ReportRoutes
from vocabulary.codec cimport Record


cdef class FixDoor:
    cdef readonly FixSessions sessions
    cdef readonly object drop_copies
    cdef readonly object market_sessions
    cdef readonly object administration
    cdef readonly object desk
    cdef readonly object order_entry
    cdef readonly object drop_copy
    cdef readonly object market_data
    cdef readonly object _logons
    cdef bint _is_shared
    cdef object _post_trade
    cdef ReportRoutes _routes
    cdef object _acceptors
    cdef bint _is_listing_changed

    cpdef object on_record(self, Record record, list reports, long long now_ns)

    cpdef object flush(self)

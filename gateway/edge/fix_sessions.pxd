cimport cython

from gateway.fix_application.order_flow cimport OrderFlow
from gateway.fix_application.report_routes cimport ReportRoutes


cdef class FixSessions:
    cdef readonly ReportRoutes routes
    cdef readonly object _sessions
    cdef dict _flows
    cdef object _rate_per_s
    cdef object _disconnects
    cdef object _shared
    cdef set _touched

    @cython.locals(flow=OrderFlow)
    cpdef object flush(self)

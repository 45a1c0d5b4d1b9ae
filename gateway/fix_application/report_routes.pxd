cimport cython

from gateway.fix_application.order_flow cimport OrderFlow
from gateway.orders cimport Order, Report
from vocabulary.codec cimport Record

cdef int _CANCEL_ALL_ORDERS


@cython.final
cdef class ReportRoutes:
    cdef readonly set touched
    cdef readonly dict used_epochs
    cdef dict _flows
    cdef dict _watches
    cdef object _look_for_more

    @cython.locals(
        requester=OrderFlow, owner=OrderFlow, report=Report, order=Order, is_about_lists=bint
    )
    cpdef object on_record(self, Record record, list reports, long long now_ns)

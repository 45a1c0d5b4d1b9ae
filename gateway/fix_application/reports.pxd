from gateway.fix.timestamps cimport format_utc_timestamp
from gateway.fix_application cimport execution_report
from gateway.orders cimport Order, Report

cpdef tuple message_of(Report report, object catalogue)

cdef bytes _rejected(Report report, object catalogue)

cdef bytes _cancel_reject_of(Report report)

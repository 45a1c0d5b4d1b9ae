from gateway.fix.message_buffer cimport MessageBuffer
from gateway.fix.timestamps cimport format_utc_timestamp
from gateway.fix_application cimport execution_report
from gateway.orders cimport Order, Report

cdef bytes _EXECUTION_REPORT
cdef object _CANCEL_REJECTED
cdef object _REPLACE_REJECTED

cpdef bytes put_message(MessageBuffer out, Report report, object catalogue)

cdef tuple _refusal_of(Report report, object catalogue)

cdef bytes _rejected(Report report, object catalogue)

cdef bytes _cancel_reject_of(Report report)

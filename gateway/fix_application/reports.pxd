cimport cython

from gateway.fix.timestamps cimport format_utc_timestamp, utc_timestamp_text
from gateway.orders cimport Fill, Order, Report, trade_exec_id
from vocabulary.instrument cimport increments_text

cdef dict _EXEC_TYPE_FIELDS
cdef dict _ORD_STATUS_FIELDS
cdef dict _SIDE_FIELDS
cdef dict _ORDER_TYPE_FIELDS
cdef dict _TIME_IN_FORCE_FIELDS
cdef dict _FLAG_FIELDS
cdef dict _PREVENTION_FIELDS
cdef dict _CANCEL_TEXTS

cpdef tuple message_of(Report report, object catalogue)

@cython.locals(
    name=bytes, original=bytes, replaced=str, state=str, more=str, exec_id=str, text=str
)
cdef bytes _execution_report(Report report, Order order)

@cython.locals(amount="long long", cash=str, price=str, working=str, average=str)
cdef str _state(
    Order order, object status, long long cumulative_lots, long long leaves_lots, object quote_units
)

cdef str _trigger(Order order)

cdef str _display(Order order)

cdef str _list(Order order)

cdef str _expire_time(Order order)

cdef str _amended(Report report)

cdef str _trade(Fill fill)

cdef str _prevented(object prevented, Order order, object kind)

cdef bytes _rejected(Report report, object catalogue)

cdef bytes _cancel_reject_of(Report report)

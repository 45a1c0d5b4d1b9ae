cimport cython

from gateway cimport packed_events
from gateway.order_table cimport AccountOrders, OrderTable
from gateway.orders cimport Fill, Order, Report
from vocabulary cimport packed
from vocabulary.codec cimport Record
from vocabulary.instrument cimport Units

cdef object _ACCEPTED
cdef object _TRADE
cdef object _ORDER_CANCELED
cdef object _ORDER_REPLACED
cdef object _PARTIALLY_FILLED
cdef object _FILLED
cdef object _CANCELED
cdef object _PREVENTED
cdef object _LIMIT
cdef object _MARKET
cdef object _NO_PREVENTION
cdef object _ACCOUNT_DEFAULT


cdef class OrderChanges(OrderTable):
    cdef readonly object catalogue
    cdef dict _instruments
    cdef dict _reference_ticks
    cdef dict _preventions
    cdef dict _units
    cdef list _reports
    cdef long long _requested_id
    cdef object _order_list
    cdef Record _record

    cdef object _join(self, object order_list, Order order)

    cdef int _accept(self, Order order, long long order_id) except -1

    @cython.locals(account=AccountOrders, report=Report)
    cdef int _replace(
        self,
        Order order,
        bytes client_order_id,
        long long price_ticks,
        long long quantity_lots,
        long long leaves_lots,
    ) except -1

    @cython.locals(fill=Fill)
    cdef int _trade(
        self,
        long long instrument_id,
        long long trade_id,
        long long price_ticks,
        long long quantity_lots,
        long long quote_units,
        long long resting_order_id,
        long long resting_leaves_lots,
        long long resting_fee_units,
        long long incoming_order_id,
        long long incoming_leaves_lots,
        long long incoming_fee_units,
    ) except -1

    @cython.locals(order=Order, record=Record, fill=Fill, report=Report)
    cdef Fill _fill(
        self, long long order_id, long long leaves_lots, long long quantity_lots, object quote_units
    )

    @cython.locals(report=Report, name=bytes)
    cdef int _cancel(self, Order order, object reason) except -1

    @cython.locals(record=Record, words="const long long*", at=Py_ssize_t)
    cdef bytes _name_of_cancel(self, Order order)

    @cython.locals(order_id="long long")
    cdef bint _is_requested(self, Order order) except -1

    @cython.locals(units=Units)
    cdef Units _units_of(self, object instrument_id)

    @cython.locals(report=Report)
    cdef Report _report(self, object kind, Order order)

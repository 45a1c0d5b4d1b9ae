cimport cython

from gateway cimport packed_events
from gateway.order_table cimport AccountOrders, OrderTable
from gateway.orders cimport Fill, Order, Report
from vocabulary.codec cimport Record
from vocabulary.instrument cimport Units
from vocabulary cimport packed


@cython.final
cdef class Orders(OrderTable):
    cdef readonly object catalogue
    cdef dict _preventions
    cdef dict _units
    cdef list _reports
    cdef long long _requested_id
    cdef object _order_list
    cdef Record _record
    cdef dict _apply

    cpdef list apply(self, Record record)

    @cython.locals(
        words="const long long*", at=Py_ssize_t, stop=Py_ssize_t, enters_one=bint, head="long long"
    )
    cdef int _apply_words(self, bytes data) except -1

    cdef int _apply_event(self, object event) except -1

    @cython.locals(owner_and_instrument="long long", instrument_id=object, order=Order)
    cdef int _take_accepted(self, const long long* words, Py_ssize_t at) except -1

    cdef int _take_trade(self, const long long* words, Py_ssize_t at) except -1

    @cython.locals(order=Order)
    cdef int _take_canceled(self, const long long* words, Py_ssize_t at) except -1

    cpdef object _apply_list_accepted(self, object event)

    @cython.locals(order=Order)
    cpdef object _apply_activated(self, object event)

    cdef object _join(self, object order_list, Order order)

    @cython.locals(order=Order)
    cpdef object _apply_accepted(self, object event)

    cdef int _accept(self, Order order, long long order_id) except -1

    @cython.locals(order=Order, account=AccountOrders, report=Report)
    cpdef object _apply_replaced(self, object event)

    cpdef object _apply_trade(self, object event)

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

    cpdef object _apply_canceled(self, object event)

    @cython.locals(report=Report)
    cdef int _cancel(self, Order order, object reason) except -1

    @cython.locals(order_id="long long")
    cdef bint _is_requested(self, Order order) except -1

    @cython.locals(order=Order)
    cpdef object _apply_triggered(self, object event)

    @cython.locals(order=Order, report=Report)
    cpdef object _apply_prevented(self, object event)

    @cython.locals(account=AccountOrders, order=Order, report=Report, fill=Fill)
    cpdef object _apply_amended(self, object event)

    @cython.locals(order=Order, report=Report)
    cpdef object _apply_rejected(self, object event)

    @cython.locals(units=Units)
    cdef Units _units_of(self, object instrument_id)

    @cython.locals(report=Report)
    cdef Report _report(self, object kind, Order order)
